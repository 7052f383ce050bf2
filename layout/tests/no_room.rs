//! A file system without room for the region. A test of its own: it starts processes, and a
//! child that has not yet become another program holds the locks of every test beside it.
#![cfg(not(driftshm_loom))]

mod support;

use std::process::Command;

use driftshm_layout::profile::Kind;
use driftshm_layout::{Origin, RegionWriter, WriterError, dir};
use support::{may_skip, temp_dir, tiny};

/// A tmpfs of so many KiB, for as long as this lives.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount(kib: usize) -> Option<Self> {
        let dir = temp_dir();
        let size = format!("size={kib}k");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "none"]).arg(dir.path());
        let mounted = mount.status().is_ok_and(|status| status.success());
        mounted.then_some(Self(dir))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_file_system_is_an_error_with_figures_and_costs_nothing() {
    // Room for two regions of the tiny profile, and not for one of 64 MiB.
    let Some(disk) = SmallDisk::mount(1024) else {
        may_skip("mounting a small tmpfs needs root");
        return;
    };
    let dir = disk.0.path().join("cluster");
    let mut writer = tiny::writer(&dir);
    tiny::populate(&mut writer);
    let before = tiny::reader(&dir);
    drop(writer);

    let mut large = tiny::options();
    large.capacities.records[Kind::User as usize] = 64 << 10;
    let error = RegionWriter::open(&dir, large).err().unwrap();
    let WriterError::NoSpace { path, need_mib, free_mib } = &error else { panic!("{error}") };
    assert_eq!(*path, dir::new_region_path(&dir));
    assert!((64..=128).contains(need_mib), "{need_mib}");
    assert_eq!(*free_mib, 0);
    assert!(error.to_string().contains("--max-users"), "{error}");

    assert!(!path.exists(), "something is left of the attempt");
    assert!(!before.header().is_superseded());
    assert!(before.successor().unwrap().is_none());
    assert!(tiny::data(&before, Kind::User, 0).is_some());
    let (_writer, origin) = tiny::open(&dir);
    assert_eq!(origin, Origin::Adopted);
}

//! Prints the table of sizes in `docs/operations.md`, from the geometry that regions are made
//! with; `docs/check.py` compares.

use driftshm_layout::Capacities;
use driftshm_layout::geometry::Geometry;
use driftshm_layout::profile::{Kind, Profile};

/// Users that there is room for.
const USERS: [usize; 4] = [1_000, 8_192, 20_000, 100_000];

fn main() {
    let profiles: Vec<_> = Profile::builtin_names()
        .map(|name| Profile::builtin(name).expect("it is listed"))
        .collect();
    let names: Vec<_> = profiles.iter().map(|profile| format!("`{}`", profile.name)).collect();
    println!("| `--max-users` | region: {} | room for two |", names.join(" | "));
    println!("|--:|{}--:|", "--:|".repeat(profiles.len()));
    for users in USERS {
        let sizes: Vec<_> = profiles.iter().map(|profile| size(profile, users)).collect();
        let shown: Vec<_> = sizes.iter().map(|bytes| mib(*bytes)).collect();
        let most = sizes.iter().max().copied().unwrap_or_default();
        println!("| {} | {} | {} |", grouped(users), shown.join(" | "), mib(2 * most));
    }
}

/// Bytes of a region with the default capacities but for users.
fn size(profile: &Profile, users: usize) -> usize {
    let capacities = Capacities::default().with(Kind::User, users);
    Geometry::new(profile, profile.to_json().len(), &capacities).total_len
}

fn mib(bytes: usize) -> String {
    format!("{} MiB", grouped(bytes.div_ceil(1 << 20)))
}

fn grouped(number: usize) -> String {
    match (number / 1000, number % 1000) {
        (0, rest) => rest.to_string(),
        (thousands, rest) => format!("{thousands},{rest:03}"),
    }
}

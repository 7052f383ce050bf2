//! The writer's own simulation, as the program whose accounts the chain has.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use driftshm_layout::profile::Profile;
use driftshm_writer::feeds::sim::{self, SimOptions};
use driftshm_writer::feeds::{AccountUpdate, Batch, FeedEvent, Queue, Sink};

use crate::chain::Write;
use crate::error::StartError;
use crate::node::Node;
use crate::options::{Options, Pace, Sim};

/// The thread looks no more seldom whether it is to end.
const LOOK: Duration = Duration::from_millis(50);
/// Simulated accounts change in steps no coarser than this.
const STEP: Duration = Duration::from_millis(1);

/// The simulation while it runs; it ends when this is dropped.
pub(crate) struct Simulation {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
    paused: Arc<AtomicBool>,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("paused", &self.paused).finish_non_exhaustive()
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        self.queue.stop();
        for thread in self.threads.drain(..) {
            // It holds nothing that a panic could have left half done.
            let _ = thread.join();
        }
    }
}

impl Simulation {
    /// Begins, and brings what the accounts are at first.
    pub fn start(options: &Options, sim: &Sim) -> Result<(Self, Vec<Write>), StartError> {
        let queue = Queue::new();
        let slot_ms = match options.pace {
            Pace::Every(slot) => u32::try_from(slot.as_millis()).unwrap_or(u32::MAX).max(1),
            Pace::OnCommand => 400,
        };
        let accounts = SimOptions { rate: sim.rate.max(1), slot_ms, ..sim.accounts.clone() };
        let (profile, start) = (Arc::clone(&options.profile), options.start_slot);
        let feeding = Arc::clone(&queue);
        let run = move || {
            let (_commands, receiver) = crossbeam_channel::unbounded();
            sim::run(&profile, &accounts, start, &Sink::new(feeding, 0, receiver));
        };
        let thread = std::thread::Builder::new().name("sim".to_owned()).spawn(run);
        let thread = thread.map_err(StartError::Thread)?;
        let paused = Arc::default();
        let simulation = Self { queue, threads: vec![thread], paused };
        let first = simulation.first(&options.profile);
        if sim.rate == 0 {
            simulation.queue.stop();
        }
        Ok((simulation, first))
    }

    /// All accounts, once.
    fn first(&self, profile: &Profile) -> Vec<Write> {
        let mut all = Vec::new();
        let mut batch = Batch::default();
        loop {
            self.queue.wait(Instant::now() + LOOK);
            self.queue.take(&mut batch);
            all.extend(batch.updates.drain(..).map(|update| write(profile, update)));
            let complete = |(_, event): &(u8, FeedEvent)| *event == FeedEvent::Complete;
            let ended = self.threads.iter().all(JoinHandle::is_finished);
            if ended || batch.events.iter().any(complete) {
                return all;
            }
        }
    }

    /// Has the node's accounts change from now on.
    pub fn feed(&mut self, node: Weak<Node>, profile: Arc<Profile>) -> Result<(), StartError> {
        if self.queue.is_stopped() {
            return Ok(());
        }
        let (queue, paused) = (Arc::clone(&self.queue), Arc::clone(&self.paused));
        let pump = move || {
            let mut batch = Batch::default();
            while !queue.is_stopped() {
                queue.wait(Instant::now() + LOOK);
                queue.take(&mut batch);
                let Some(node) = node.upgrade() else { return };
                if paused.load(Ordering::Relaxed) {
                    std::thread::sleep(STEP);
                    continue;
                }
                node.chain.write(batch.updates.drain(..).map(|update| write(&profile, update)));
            }
        };
        let thread = std::thread::Builder::new().name("sim-pump".to_owned()).spawn(pump);
        self.threads.push(thread.map_err(StartError::Thread)?);
        Ok(())
    }

    /// Whether updates are lost rather than written.
    pub fn pause(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
    }
}

fn write(profile: &Profile, update: AccountUpdate) -> Write {
    let AccountUpdate { pubkey, owner, lamports, data, .. } = update;
    Write { pubkey, owner: owner.unwrap_or(profile.program_id), lamports, data: data.into() }
}

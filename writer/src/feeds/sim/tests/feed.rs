//! The feed on its own thread, at its other end the queue.

use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Sender, unbounded};

use super::*;
use crate::feeds::{Batch, FeedEvent, Queue};

struct Running {
    queue: Arc<Queue>,
    commands: Sender<FeedCommand>,
    thread: thread::JoinHandle<()>,
}

fn start(options: SimOptions) -> Running {
    let queue = Queue::new();
    let (commands, receiver) = unbounded();
    let sink = Sink::new(Arc::clone(&queue), 1, receiver);
    let thread = thread::spawn(move || run(&drift(), &options, START, &sink));
    Running { queue, commands, thread }
}

impl Running {
    /// All that comes until `enough` says so, which must be within ten seconds.
    fn until(
        &self,
        mut enough: impl FnMut(&[AccountUpdate], &[FeedEvent]) -> bool,
    ) -> (Vec<AccountUpdate>, Vec<FeedEvent>) {
        let (mut updates, mut events) = (Vec::new(), Vec::new());
        let watchdog = Instant::now() + Duration::from_secs(10);
        let mut batch = Batch::default();
        while !enough(&updates, &events) {
            assert!(Instant::now() < watchdog, "{} updates, {events:?}", updates.len());
            self.queue.wait(Instant::now() + Duration::from_millis(100));
            self.queue.take(&mut batch);
            updates.append(&mut batch.updates);
            events.extend(batch.events.drain(..).map(|(_, event)| event));
        }
        (updates, events)
    }
}

#[test]
fn the_feed_brings_everything_says_that_it_is_live_and_goes_on_in_new_slots() {
    let options = SimOptions { users: 4, rate: 2_000, slot_ms: 50, ..SimOptions::default() };
    let running = start(options.clone());
    let (updates, events) = running.until(
        |_, events| matches!(events.last(), Some(FeedEvent::Slot(slot)) if *slot > START + 4),
    );
    let states: Vec<_> =
        events.iter().filter(|event| matches!(event, FeedEvent::State(_))).cloned().collect();
    assert_eq!(states, [FeedEvent::State(FeedState::Syncing), FeedEvent::State(FeedState::Live)]);
    assert_eq!(events[1], FeedEvent::Slot(START));
    assert_eq!(events[3], FeedEvent::Complete);
    let mut expected = Vec::new();
    simulation(&drift(), &options).all(|update| expected.push(update.pubkey));
    let brought: Vec<_> = updates.iter().take(expected.len()).map(|update| update.pubkey).collect();
    assert_eq!(brought, expected);
    assert!(updates.len() > expected.len());
    assert!(updates.iter().all(|update| update.received_ns > 0));

    let cold = cold_users(&drift(), &options)[0].pubkey;
    running.commands.send(FeedCommand::Follow(cold)).unwrap();
    running.until(|updates, _| updates.iter().any(|update| update.pubkey == cold));
    drop(running.commands);
    running.thread.join().unwrap();
}

#[test]
fn many_commands_are_obeyed_before_updates_go_on() {
    let options = SimOptions { users: 4, rate: MAX_RATE, ..SimOptions::default() };
    let mut all = 0;
    simulation(&drift(), &options).all(|_| all += 1);
    let cold = cold_users(&drift(), &options)[0].pubkey;
    let queue = Queue::new();
    let (commands, receiver) = unbounded();
    for _ in 0..1000 {
        commands.send(FeedCommand::Unfollow(cold)).unwrap();
    }
    commands.send(FeedCommand::Follow(cold)).unwrap();
    let sink = Sink::new(Arc::clone(&queue), 1, receiver);
    let thread = thread::spawn(move || run(&drift(), &options, START, &sink));
    let running = Running { queue, commands, thread };
    let is_it = |update: &AccountUpdate| update.pubkey == cold;
    let (updates, _) = running.until(|updates, _| updates.iter().any(is_it));
    let before = updates.iter().position(is_it).unwrap();
    assert!(before <= all + 2 * BATCH, "{before} updates");
    drop(running.commands);
    running.thread.join().unwrap();
}

#[test]
fn the_feed_ends_when_the_queue_is_stopped_however_slow_it_is() {
    let running = start(SimOptions { users: 0, rate: 1, slot_ms: 60_000, ..SimOptions::default() });
    running.until(|_, events| events.contains(&FeedEvent::State(FeedState::Live)));
    running.queue.stop();
    running.thread.join().unwrap();
    drop(running.commands);
}

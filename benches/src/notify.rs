//! What a change costs the publisher, with one subscriber and with a hundred who want to hear of
//! other accounts.

use driftshm_layout::control::{Filter, Subscription};
use serde_json::{Value, json};

use crate::accounts::Pair;
use crate::writer::{Writer, is_woken, sleep, thread_cpu_ns};

/// Updates handed over at a time.
const BATCH: u64 = 4096;

/// A writer, and the market whose changes are measured.
pub struct Changes {
    writer: Writer,
    market: Pair,
    /// It wants to hear of the market.
    concerned: Subscription,
    /// They want to hear of something else.
    others: Vec<Subscription>,
    change: u64,
}

impl Changes {
    /// A writer with one subscriber.
    pub fn new() -> Self {
        let writer = Writer::start();
        let market = Pair::perp_market(&crate::accounts::profile(), 0);
        let concerned = writer.subscribe(&Filter { perp_markets: vec![0], ..Filter::default() });
        Self { writer, market, concerned, others: Vec::new(), change: 0 }
    }

    /// Lets there be so many other subscribers: half of them want one user, half one market.
    pub fn set_others(&mut self, others: usize) {
        self.others.truncate(others);
        for number in self.others.len()..others {
            let filter = match number % 2 {
                0 => Filter { perp_markets: vec![1 + number as u16], ..Filter::default() },
                _ => Filter {
                    pubkeys: vec![crate::accounts::key(number as u64)],
                    ..Filter::default()
                },
            };
            self.others.push(self.writer.subscribe(&filter));
        }
    }

    /// So many updates as a feed brings them; not part of what is measured.
    pub fn updates(&mut self, count: u64) -> Vec<driftshm_writer::feeds::AccountUpdate> {
        let first = self.change;
        self.change += count;
        (first..self.change).map(|nth| self.writer.update(&self.market, nth)).collect()
    }

    /// Has updates published; the subscriber concerned sleeps before, and is woken.
    pub fn publish(&mut self, updates: Vec<driftshm_writer::feeds::AccountUpdate>) {
        sleep(&mut self.concerned);
        self.writer.publish(updates);
    }

    /// Nanoseconds of the publisher's processor time per update.
    ///
    /// # Panics
    /// If the kernel does not count them.
    pub fn cost_ns(&mut self, batches: u64) -> f64 {
        let mut used = 0;
        for _ in 0..batches {
            let updates = self.updates(BATCH);
            let before = publisher_ns();
            self.publish(updates);
            used += publisher_ns() - before;
        }
        used as f64 / (batches * BATCH) as f64
    }

    /// How many of the others were woken since they went to sleep.
    pub fn woken_in_vain(&self) -> usize {
        self.others.iter().filter(|other| is_woken(other)).count()
    }

    /// Whether the subscriber that the changes concern was woken.
    pub fn is_concerned_woken(&self) -> bool {
        is_woken(&self.concerned)
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}

fn publisher_ns() -> u64 {
    thread_cpu_ns("publisher").expect("the kernel counts a thread's processor time")
}

/// The cost by round, with one subscriber and with a hundred.
pub fn measure(rounds: usize, batches: u64) -> Value {
    let mut changes = Changes::new();
    changes.cost_ns(1);
    let (mut one, mut hundred) = (Vec::new(), Vec::new());
    let mut woken_in_vain = 0;
    for round in 0..rounds {
        for step in 0..2 {
            if (round + step) % 2 == 0 {
                changes.set_others(0);
                one.push(changes.cost_ns(batches));
            } else {
                changes.set_others(99);
                hundred.push(changes.cost_ns(batches));
                woken_in_vain += changes.woken_in_vain();
            }
        }
    }
    json!({
        "ns": { "one": one, "hundred": hundred },
        "woken_in_vain": woken_in_vain,
        "concerned_woken": changes.is_concerned_woken(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_wakes_whom_it_concerns_and_none_of_the_others() {
        let measured = measure(2, 1);
        assert_eq!(measured["woken_in_vain"], 0);
        assert_eq!(measured["concerned_woken"], true);
        assert_eq!(measured["ns"]["hundred"].as_array().map(Vec::len), Some(2));
    }
}

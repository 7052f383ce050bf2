//! Contenders that take turns, so that a machine's bad moments hit all of them alike.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// What is measured: does its thing so many times.
pub struct Contender<'a> {
    /// Its name in the output.
    pub name: &'static str,
    /// Does it `n` times.
    pub run: Box<dyn FnMut(u64) + 'a>,
}

impl<'a> Contender<'a> {
    /// A contender of that name.
    pub fn new(name: &'static str, run: impl FnMut(u64) + 'a) -> Self {
        Self { name, run: Box::new(run) }
    }

    fn time(&mut self, n: u64) -> Duration {
        let start = Instant::now();
        (self.run)(n);
        start.elapsed()
    }

    /// How often it has to be done to take as long as `turn`.
    fn calibrate(&mut self, turn: Duration) -> u64 {
        let mut n = 1;
        loop {
            let took = self.time(n);
            if took >= turn / 4 {
                let scale = turn.as_secs_f64() / took.as_secs_f64();
                return ((n as f64 * scale) as u64).max(1);
            }
            n *= 2;
        }
    }
}

/// Lets each contender have one turn a round, and returns nanoseconds per operation, by round.
pub fn alternate(contenders: &mut [Contender<'_>], rounds: usize, turn: Duration) -> Value {
    let counts: Vec<u64> = contenders.iter_mut().map(|each| each.calibrate(turn)).collect();
    let mut taken = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        // Nobody is always the one that comes after somebody else.
        for step in 0..contenders.len() {
            let who = (round + step) % contenders.len();
            let took = contenders[who].time(counts[who]);
            taken[who].push(took.as_nanos() as f64 / counts[who] as f64);
        }
    }
    let named =
        contenders.iter().zip(taken).map(|(each, taken)| (each.name.to_owned(), json!(taken)));
    Value::Object(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contender_has_one_turn_a_round() {
        let (mut a, mut b) = (0, 0);
        let mut contenders = [
            Contender::new("a", |n| a += n.min(1)),
            Contender::new("b", |_| {
                b += 1;
                std::thread::sleep(Duration::from_micros(100));
            }),
        ];
        let taken = alternate(&mut contenders, 5, Duration::from_nanos(4));
        assert_eq!(taken["a"].as_array().map(Vec::len), Some(5));
        assert!(taken["b"].as_array().unwrap().iter().all(|ns| ns.as_f64().unwrap() >= 1e5));
        drop(contenders);
        // One more to find out how often it has to be done.
        assert_eq!(b, 6);
        assert!(a >= 6);
    }
}

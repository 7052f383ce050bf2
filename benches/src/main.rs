//! What the Python benches need of the Rust side. Results are one JSON object a line.

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use driftshm_benches::{cadence, hammer, hot, notify, publish};
use driftshm_layout::Region;
use driftshm_layout::profile::Kind;

const HELP: &str = "driftshm-bench: what the Python benches need of the Rust side

  publish ROUNDS TURN_US     ns per publish by round: bare stores, a record, a region
  notify ROUNDS BATCHES      the publisher's ns per update by round, 1 and 100 subscribers
  hot                        runs the hot paths between marks, for callgrind; prints their names
  cadence PAGE PERIOD_US     from a line on stdin to the next, stamps PAGE and writes the eventfd
                             that stdout is
  hammer PAGE PERIOD_NS      stores to the first word of PAGE until stdin says something or ends
  sequence DIR MARKET        byte offset of a perp market's sequence word in the region's file";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("driftshm-bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<(), Box<dyn Error>> {
    match arguments {
        ["publish", rounds, turn_us] => {
            let turn = Duration::from_micros(number(turn_us)?);
            for kind in [Kind::PerpMarket, Kind::User] {
                println!("{}", publish::measure(kind, number(rounds)?, turn)?);
            }
        }
        ["notify", rounds, batches] => {
            println!("{}", notify::measure(number(rounds)?, number(batches)?));
        }
        ["hot"] => {
            let names = hot::run()?;
            println!("{}", serde_json::json!({ "times": hot::TIMES, "paths": names }));
        }
        ["cadence", page, period_us] => {
            let period = Duration::from_micros(number(period_us)?);
            cadence::run(Path::new(page), period, std::io::stdin(), std::io::stdout())?;
        }
        ["hammer", page, period_ns] => {
            let period = Duration::from_nanos(number(period_ns)?);
            hammer::run(Path::new(page), period, std::io::stdin())?;
        }
        ["sequence", dir, market] => {
            let region = Region::open(Path::new(dir))?;
            let section = region.geometry().section(Kind::PerpMarket);
            println!("{}", section.offset + number::<usize>(market)? * section.shape.stride() * 8);
        }
        _ => return Err(HELP.into()),
    }
    Ok(())
}

fn number<T: FromStr>(text: &str) -> Result<T, Box<dyn Error>> {
    text.parse().map_err(|_| format!("{text:?} is not a number that fits here").into())
}

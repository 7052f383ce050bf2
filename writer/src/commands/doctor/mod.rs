//! `driftshm doctor`: what is wrong, and how to mend it.

mod directory;
mod logind;
mod region;
mod system;
mod writer;

use std::fmt::Write as _;
use std::io::Write;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::failure::Failure;
use super::output::Paint;
use super::place::{self, PlaceArgs};

/// Checks directory, region, writer and system, and says what to do about what is wrong.
///
/// Exit status: 0 = nothing is wrong (there may be warnings), 1 = something is.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    place: PlaceArgs,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Ok,
    Warning,
    Error,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// Name of the check.
    check: &'static str,
    verdict: Verdict,
    /// What is so.
    text: String,
    /// What to do about it.
    remedy: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, text: impl Into<String>) -> Self {
        Self { check, verdict: Verdict::Ok, text: text.into(), remedy: None }
    }

    fn warning(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, verdict: Verdict::Warning, text: text.into(), remedy }
    }

    fn error(check: &'static str, text: impl Into<String>, remedy: impl Into<String>) -> Self {
        let remedy = Some(remedy.into());
        Self { check, verdict: Verdict::Error, text: text.into(), remedy }
    }
}

/// Prints all findings.
pub fn run(args: &DoctorArgs) -> Result<ExitCode, Failure> {
    let place = args.place.place()?;
    let opened = place::open(&place);
    let opened = opened.as_ref();
    let mut findings = vec![directory::directory(&place.dir)];
    findings.extend(directory::readers(&place.dir));
    findings.push(region::region(opened));
    findings
        .extend(opened.ok().into_iter().flat_map(|region| region::contents(&place.dir, region)));
    findings.extend(directory::file_system(&place.dir, opened.ok()));
    findings.extend(logind::remove_ipc(&place.dir));
    findings.extend(writer::all(&place.dir, opened.ok()));
    findings.extend(system::files(opened.ok()));
    findings.push(system::clock());
    let is_well = findings.iter().all(|finding| finding.verdict != Verdict::Error);
    let mut out = std::io::stdout().lock();
    if args.json {
        let all = serde_json::json!({ "ok": is_well, "dir": place.dir, "findings": findings });
        writeln!(out, "{all:#}")?;
    } else {
        out.write_all(text(&findings, Paint::stdout()).as_bytes())?;
    }
    out.flush()?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(findings: &[Finding], paint: Paint) -> String {
    let mut text = String::new();
    for finding in findings {
        let mark = match finding.verdict {
            Verdict::Ok => paint.good("✓"),
            Verdict::Warning => paint.odd("!"),
            Verdict::Error => paint.bad("✗"),
        };
        let check = paint.dim(&format!("{:<11}", finding.check));
        let _ = writeln!(text, "{mark} {check} {}", finding.text);
        if let Some(remedy) = &finding.remedy {
            let _ = writeln!(text, "  {:<11} → {remedy}", "");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_finding_is_a_line_and_its_remedy_another() {
        let findings = [Finding::ok("clock", "fine"), Finding::error("writer", "dead", "start it")];
        let expected = "✓ clock       fine\n✗ writer      dead\n              → start it\n";
        assert_eq!(text(&findings, Paint(false)), expected);
    }
}

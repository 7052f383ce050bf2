//! The metrics by name. Names and labels are an interface: dashboards and alerts of others read
//! them, so none changes its meaning, and `docs/operations.md` lists them.

use std::collections::BTreeSet;
use std::fmt;

use driftshm_layout::control::FeedReport;
use driftshm_layout::{FeedState, State};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::process::ProcessFigures;
use crate::health::Verdict;
use crate::health::report::Report;

/// What live feeds count, beside errors: named also while no feed counts it, so that a dashboard
/// can be seen to be right. What a feed counts beyond these is there once it does.
const FEED_FIGURES: [&str; 6] =
    ["requests", "connects", "reconnects", "gap_slots", "audit_checked", "audit_mismatches"];
/// A figure that is no count but the newest slot of the feed.
const SLOT: &str = "slot";
/// Before the kind of an error, in the name of a figure.
const ERROR: &str = "error_";

/// All metrics as text, in the format of OpenMetrics.
pub(super) fn text(report: Report, verdict: Verdict) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    let process = ProcessFigures::read();
    registry.register_collector(Box::new(Page { report, verdict, process }));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

#[derive(Debug)]
struct Page {
    report: Report,
    verdict: Verdict,
    process: Option<ProcessFigures>,
}

type Labels<'a> = Vec<(&'a str, &'a str)>;

/// Families of metrics, each with its description.
struct Families<'a>(DescriptorEncoder<'a>);

impl Families<'_> {
    fn gauges<'a, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        samples.into_iter().try_for_each(|(labels, value)| {
            family.encode_family(&labels.as_slice())?.encode_gauge(&value)
        })
    }

    fn gauge<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        value: impl IntoIterator<Item = V>,
    ) -> fmt::Result {
        self.gauges(name, help, value.into_iter().map(|value| (Labels::new(), value)))
    }

    /// `name` is without `_total`, which the format adds.
    fn counters<'a, V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels<'a>, V)>,
    ) -> fmt::Result {
        let mut family = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        samples.into_iter().try_for_each(|(labels, value)| {
            let labels = labels.as_slice();
            let mut sample = family.encode_family(&labels)?;
            sample.encode_counter::<NoLabelSet, _, u64>(&value, None)
        })
    }

    fn counter<V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        value: impl IntoIterator<Item = V>,
    ) -> fmt::Result {
        self.counters(name, help, value.into_iter().map(|value| (Labels::new(), value)))
    }
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Families(encoder);
        self.writer(&mut out)?;
        self.region(&mut out)?;
        self.feeds(&mut out)?;
        self.bots(&mut out)?;
        self.process(&mut out)
    }
}

/// 1 for what is so, 0 for what is not: one sample for each state that there is.
fn one_of<'a>(
    states: impl Iterator<Item = &'a str>,
    current: &str,
) -> impl Iterator<Item = (&'a str, u64)> {
    states.map(move |state| (state, u64::from(state == current)))
}

fn feed_states() -> impl Iterator<Item = &'static str> {
    (1..).map_while(FeedState::from_word).map(FeedState::as_str)
}

fn seconds(ns: Option<u64>) -> Option<f64> {
    ns.map(|ns| ns as f64 / 1e9)
}

impl Page {
    fn writer(&self, out: &mut Families<'_>) -> fmt::Result {
        let report = &self.report;
        let labels = vec![
            ("version", env!("CARGO_PKG_VERSION")),
            ("profile", &report.profile.name),
            ("program_version", &report.profile.program_version),
            ("cluster", &report.cluster),
        ];
        out.gauges("driftshm_build_info", "Always 1", [(labels, 1u64)])?;
        let alive = u64::from(report.writer.alive);
        out.gauge("driftshm_up", "Whether the publisher's heart beats", [alive])?;
        let ready = u64::from(self.verdict == Verdict::Ready);
        out.gauge("driftshm_ready", "Whether /readyz says ready", [ready])?;
        let generation = [report.generation];
        out.gauge("driftshm_generation", "A new number per start of the writer", generation)?;
        out.gauge(
            "driftshm_heartbeat_age_seconds",
            "Time since the publisher's heart beat; it does so every 0.1 s",
            seconds(report.writer.heartbeat_age_ns),
        )
    }

    fn region(&self, out: &mut Families<'_>) -> fmt::Result {
        let report = &self.report;
        let states = [State::Starting, State::Live, State::Stopped, State::Superseded];
        let states = one_of(states.into_iter().map(State::as_str), report.state);
        let states = states.map(|(state, is_it)| (vec![("state", state)], is_it));
        out.gauges("driftshm_region_state", "1 for the state of the region", states)?;
        out.gauge("driftshm_region_bytes", "Size of the region", [report.region_bytes])?;
        out.gauge("driftshm_slot", "The newest slot of any feed", [report.slot])?;
        let age = seconds(report.slot_age_ns);
        out.gauge("driftshm_slot_age_seconds", "Time since that slot began here", age)?;
        let of = |count: fn(&_) -> usize| {
            let sections = report.records.iter();
            sections.map(move |section| (vec![("kind", section.kind)], count(section) as u64))
        };
        out.gauges("driftshm_records", "Accounts in the region", of(|section| section.in_use))?;
        let capacity = of(|section| section.capacity);
        out.gauges("driftshm_record_capacity", "Accounts that there is room for", capacity)?;
        for (name, count) in &report.counters.0 {
            let help = "See the counters in docs/operations.md";
            out.counter(&format!("driftshm_{name}"), help, [*count])?;
        }
        Ok(())
    }

    /// What only the publisher knows is left out where it does not answer.
    fn feeds(&self, out: &mut Families<'_>) -> fmt::Result {
        let report = &self.report;
        let live = u64::from(report.feed.state == "live");
        out.gauge("driftshm_feed_live", "Whether the feeds as one are live", [live])?;
        let feeds: &[FeedReport] = report.socket.as_ref().map_or(&[], |status| &status.feeds);
        let states = feeds.iter().flat_map(|feed| {
            let states = one_of(feed_states(), &feed.state);
            states
                .map(|(state, is_it)| (vec![("feed", feed.name.as_str()), ("state", state)], is_it))
        });
        out.gauges("driftshm_feed_state", "1 for the state of the feed", states)?;
        let ages = feeds.iter().map(|feed| (label(feed), feed.state_age_s));
        out.gauges("driftshm_feed_state_age_seconds", "How long it has been in that state", ages)?;
        let slots =
            || feeds.iter().filter_map(|feed| Some((label(feed), *feed.figures.get(SLOT)?)));
        out.gauges("driftshm_feed_slot", "The newest slot of the feed", slots())?;
        let lag = slots().map(|(labels, slot)| (labels, report.slot.saturating_sub(slot)));
        out.gauges("driftshm_feed_lag_slots", "How far it is behind the newest slot", lag)?;

        let counted = feeds.iter().flat_map(|feed| feed.figures.keys().map(String::as_str));
        let counted = counted.filter(|name| *name != SLOT && !name.starts_with(ERROR));
        let names: BTreeSet<&str> = counted.chain(FEED_FIGURES).collect();
        for name in names {
            // What is zero is not in the report.
            let counting = feeds.iter().filter(|feed| !feed.figures.is_empty());
            let counts = counting.map(|feed| (label(feed), *feed.figures.get(name).unwrap_or(&0)));
            let help = "See live feeds in docs/operations.md";
            out.counters(&format!("driftshm_feed_{name}"), help, counts)?;
        }
        let errors = feeds.iter().flat_map(|feed| {
            feed.figures.iter().filter_map(|(name, count)| {
                let kind = name.strip_prefix(ERROR)?;
                Some((vec![("feed", feed.name.as_str()), ("kind", kind)], *count))
            })
        });
        out.counters("driftshm_feed_errors", "What failed, by kind", errors)
    }

    fn bots(&self, out: &mut Families<'_>) -> fmt::Result {
        let status = self.report.socket.as_ref();
        let connections = status.map(|status| status.connections);
        out.gauge("driftshm_connections", "Connections to the control socket", connections)?;
        let subscriptions = status.map(|status| status.subscriptions);
        out.gauge("driftshm_subscriptions", "Subscriptions that can be woken", subscriptions)?;
        let watched = status.map(|status| status.watched);
        out.gauge("driftshm_watches", "Accounts that bots watch", watched)
    }

    fn process(&self, out: &mut Families<'_>) -> fmt::Result {
        let Some(process) = self.process else { return Ok(()) };
        out.counter("process_cpu_seconds", "CPU time used", [process.cpu_seconds])?;
        let start = [process.start_time_seconds];
        out.gauge("process_start_time_seconds", "Start, seconds since 1970", start)?;
        let resident = [process.resident_memory_bytes];
        out.gauge("process_resident_memory_bytes", "Memory in use, the region included", resident)?;
        let virt = [process.virtual_memory_bytes];
        out.gauge("process_virtual_memory_bytes", "Address space in use", virt)?;
        out.gauge("process_threads", "Threads", [process.threads])?;
        out.gauge("process_open_fds", "Open file descriptors", [process.open_fds])?;
        out.gauge("process_max_fds", "Limit of open file descriptors", [process.max_fds])
    }
}

fn label(feed: &FeedReport) -> Labels<'_> {
    vec![("feed", &feed.name)]
}

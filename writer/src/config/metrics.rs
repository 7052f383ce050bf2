//! The settings of the metrics.

use std::net::SocketAddr;

use clap::Args;

/// How figures are served.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Metrics")]
pub struct MetricsArgs {
    /// Serve /metrics (Prometheus), /healthz and /readyz over HTTP at this address, such as
    /// 127.0.0.1:9464; whoever reaches it may read them
    #[arg(long, value_name = "ADDR", env = "DRIFTSHM_METRICS_LISTEN", value_parser = address)]
    pub metrics_listen: Option<SocketAddr>,
}

#[cfg(feature = "metrics")]
fn address(text: &str) -> Result<SocketAddr, String> {
    let sound = text.parse().ok();
    sound.ok_or_else(|| {
        "expected an IP address and a port, such as 127.0.0.1:9464, [::1]:9464, or 0.0.0.0:9464 \
         for every interface"
            .to_owned()
    })
}

#[cfg(not(feature = "metrics"))]
fn address(_: &str) -> Result<SocketAddr, String> {
    Err("this driftshm was built without metrics: build it with the cargo feature metrics \
         (make build does)"
        .to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "metrics")]
    fn an_address_has_a_port_and_no_name() {
        for text in ["127.0.0.1:9464", "[::1]:9464", "0.0.0.0:0"] {
            assert_eq!(address(text).unwrap().to_string(), text);
        }
        for text in ["", "9464", ":9464", "127.0.0.1", "localhost:9464", "127.0.0.1:65536"] {
            assert!(address(text).unwrap_err().contains("such as 127.0.0.1:9464"), "{text}");
        }
    }

    #[test]
    #[cfg(not(feature = "metrics"))]
    fn a_build_without_metrics_says_so() {
        assert!(address("127.0.0.1:9464").unwrap_err().contains("built without metrics"));
    }
}

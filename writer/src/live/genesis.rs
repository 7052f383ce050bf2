//! Whether the node is of the cluster that is named.

use super::chain::{Chain, Fetcher};
use super::rpc::RpcError;

/// The clusters that everybody knows, by the names they go by.
const KNOWN: [(&[&str], &str); 3] = [
    (&["mainnet", "mainnet-beta"], "5eykt4UsFv8P8NJdTREpY1vzqKqZKvdpKuc147dw2N9d"),
    (&["devnet"], "EtWTRABZaYq6iMfeYKouRu166VU2xqa1wcaWoxkcEJdG"),
    (&["testnet"], "4uhcVJyU9pJkvQyS88uRDiswHScSGQPSNRYyQ7sMJxy6"),
];

/// The genesis that a cluster of this name has; `None` for names of one's own.
fn expected(cluster: &str) -> Option<&'static str> {
    KNOWN.iter().find(|(names, _)| names.contains(&cluster)).map(|(_, genesis)| *genesis)
}

/// Waits until the node says which cluster it is of, and that it is the right one.
pub(super) async fn check(chain: &Chain, fetcher: &Fetcher<'_>) -> Result<(), String> {
    let cluster = chain.options.cluster.as_str();
    if let Some(expected) = expected(cluster) {
        check_genesis(chain, fetcher, cluster, expected).await?;
    }
    // Streams are compared with it: their protocols do not say which cluster they are of.
    // A node that does not answer says so to the next request, too.
    if let Ok(slot) = chain.rpc.slot().await {
        chain.tip.rpc_is_at(slot);
    }
    Ok(())
}

async fn check_genesis(
    chain: &Chain,
    fetcher: &Fetcher<'_>,
    cluster: &str,
    expected: &'static str,
) -> Result<(), String> {
    loop {
        let error = match chain.rpc.genesis_hash().await {
            Ok(found) if found == expected => return Ok(()),
            Ok(found) => RpcError::OtherCluster {
                cluster: cluster.to_owned(),
                found: found.chars().filter(|c| c.is_ascii_alphanumeric()).take(44).collect(),
                expected,
            },
            Err(error) => error,
        };
        fetcher.failed(&error)?;
        // A node may be mended, or its name be made to point elsewhere.
        if !matches!(error, RpcError::Unanswered { .. } | RpcError::TooMany { .. }) {
            tokio::time::sleep(std::time::Duration::from_secs(10)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_known_names_have_a_genesis() {
        assert_eq!(expected("mainnet"), expected("mainnet-beta"));
        assert_ne!(expected("mainnet"), expected("devnet"));
        assert_eq!(expected("local"), None);
    }
}

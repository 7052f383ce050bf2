//! The markets: names in the order that the program has them, and about what they are worth.
//!
//! Most read their price from the feed that they have on mainnet; some from an older or another
//! kind, so that every kind of oracle is in use. Markets with the same feed share its account.

/// What a market is called, what it is worth, and where it has that from.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Listing {
    /// Such as `SOL-PERP`.
    pub symbol: String,
    /// The oracle source that it prefers, by its name in the program.
    pub source: &'static str,
    /// Which asset the oracle prices: a Pyth Lazer feed id, or a number that is none.
    pub feed: u32,
    /// What one unit of the market costs at first, in dollars.
    pub price: f64,
    /// Spot: the token's decimals.
    pub decimals: u32,
    /// Spot: the token's mint, where it is known.
    pub mint: Option<&'static str>,
}

struct Row(&'static str, &'static str, u32, f64, u32, Option<&'static str>);

const fn perp(symbol: &'static str, source: &'static str, feed: u32, price: f64) -> Row {
    Row(symbol, source, feed, price, 0, None)
}

const fn spot(
    symbol: &'static str,
    source: &'static str,
    feed: u32,
    price: f64,
    decimals: u32,
    mint: &'static str,
) -> Row {
    Row(symbol, source, feed, price, decimals, Some(mint))
}

/// Feeds of assets that are no Lazer feed: beyond any id that Lazer has given out.
const MADE_UP_FEEDS: u32 = 2_000_000;
/// A market past the end of a list has one of these sources, in turn.
const FURTHER_SOURCES: [&str; 4] = ["PythLazer", "PythPull", "Pyth", "SwitchboardOnDemand"];

/// The perp market with this index.
pub(super) fn perp_market(index: u16) -> Listing {
    let listing = PERPS.get(usize::from(index)).map(listing);
    let mut listing = listing.unwrap_or_else(|| further(format!("SIM{index}-PERP"), index, 0));
    if listing.source == "Prelaunch" {
        // Such an oracle is the market's own.
        listing.feed = index.into();
    }
    listing
}

/// The spot market with this index.
pub(super) fn spot_market(index: u16) -> Listing {
    let listing = SPOTS.get(usize::from(index)).map(listing);
    listing.unwrap_or_else(|| further(format!("SIM{index}"), index, 1))
}

fn listing(row: &Row) -> Listing {
    let Row(symbol, source, feed, price, decimals, mint) = *row;
    Listing { symbol: symbol.to_owned(), source, feed, price, decimals, mint }
}

fn further(symbol: String, index: u16, list: u32) -> Listing {
    let source = FURTHER_SOURCES.get(usize::from(index) % FURTHER_SOURCES.len()).copied();
    Listing {
        symbol,
        source: source.unwrap_or_default(),
        feed: MADE_UP_FEEDS + 2 * u32::from(index) + list,
        price: 0.5 + f64::from(u32::from(index) * 37 % 401),
        decimals: 6,
        mint: None,
    }
}

#[rustfmt::skip]
const PERPS: [Row; 86] = [
    perp("SOL-PERP", "PythLazer", 6, 85.0),
    perp("BTC-PERP", "PythLazer", 1, 68_000.0),
    perp("ETH-PERP", "PythLazer", 2, 2000.0),
    perp("APT-PERP", "PythPull", 28, 1.2),
    perp("1MBONK-PERP", "PythLazer1M", 9, 6.2),
    perp("POL-PERP", "Pyth", 32, 0.11),
    perp("ARB-PERP", "SwitchboardOnDemand", 37, 0.12),
    perp("DOGE-PERP", "PythLazer", 13, 0.094),
    perp("BNB-PERP", "PythLazer", 15, 620.0),
    perp("SUI-PERP", "PythLazer", 11, 0.96),
    perp("1MPEPE-PERP", "Pyth1M", 4, 3.4),
    perp("OP-PERP", "Switchboard", 41, 0.13),
    perp("RENDER-PERP", "PythLazer", 34, 1.5),
    perp("XRP-PERP", "PythLazer", 14, 1.38),
    perp("HNT-PERP", "PythPull", 168, 1.3),
    perp("INJ-PERP", "PythLazer", 46, 3.1),
    perp("LINK-PERP", "PythLazer", 19, 8.9),
    perp("RLB-PERP", "SwitchboardOnDemand", 1_000_017, 0.06),
    perp("PYTH-PERP", "PythLazer", 3, 0.045),
    perp("TIA-PERP", "PythLazer", 48, 0.32),
    perp("JTO-PERP", "PythLazer", 91, 0.3),
    perp("SEI-PERP", "PythLazer", 51, 0.066),
    perp("AVAX-PERP", "PythLazer", 18, 9.2),
    perp("WIF-PERP", "PythLazer", 10, 0.21),
    perp("JUP-PERP", "PythLazer", 92, 0.17),
    perp("DYM-PERP", "PythLazer", 83, 0.05),
    perp("TAO-PERP", "PythLazer", 36, 180.0),
    perp("W-PERP", "PythLazer", 102, 0.02),
    perp("KMNO-PERP", "PythLazer", 464, 0.025),
    perp("TNSR-PERP", "PythLazer", 99, 0.045),
    perp("DRIFT-PERP", "PythLazer", 249, 0.09),
    perp("CLOUD-PERP", "PythLazer", 404, 0.03),
    perp("IO-PERP", "PythLazer", 90, 0.1),
    perp("ZEX-PERP", "SwitchboardOnDemand", 1_000_033, 0.02),
    perp("POPCAT-PERP", "PythLazer", 130, 0.05),
    perp("1KWEN-PERP", "Pyth1KPull", 1_000_035, 0.011),
    perp("TRUMP-WIN-2024-BET", "Prelaunch", 0, 0.5),
    perp("KAMALA-POPULAR-VOTE-2024-BET", "Prelaunch", 0, 0.55),
    perp("FED-CUT-50-SEPT-2024-BET", "Prelaunch", 0, 0.4),
    perp("REPUBLICAN-POPULAR-AND-WIN-BET", "Prelaunch", 0, 0.35),
    perp("BREAKPOINT-IGGYERIC-BET", "Prelaunch", 0, 0.5),
    perp("DEMOCRATS-WIN-MICHIGAN-BET", "Prelaunch", 0, 0.5),
    perp("TON-PERP", "PythLazer", 12, 1.3),
    perp("LANDO-F1-SGP-WIN-BET", "Prelaunch", 0, 0.6),
    perp("MOTHER-PERP", "PythLazer", 501, 0.003),
    perp("MOODENG-PERP", "PythLazer", 500, 0.05),
    perp("WARWICK-FIGHT-WIN-BET", "Prelaunch", 0, 0.3),
    perp("DBR-PERP", "PythPull", 1_000_047, 0.02),
    perp("WLF-5B-1W-BET", "Prelaunch", 0, 0.2),
    perp("VRSTPN-WIN-F1-24-DRVRS-CHMP-BET", "Prelaunch", 0, 0.7),
    perp("LNDO-WIN-F1-24-US-GP-BET", "Prelaunch", 0, 0.4),
    perp("1KMEW-PERP", "PythLazer1K", 137, 0.6),
    perp("MICHI-PERP", "PythPull", 1_000_052, 0.01),
    perp("GOAT-PERP", "PythLazer", 437, 0.02),
    perp("FWOG-PERP", "PythPull", 1_000_054, 0.01),
    perp("PNUT-PERP", "PythLazer", 77, 0.04),
    perp("RAY-PERP", "PythLazer", 54, 0.6),
    perp("SUPERBOWL-LIX-LIONS-BET", "Prelaunch", 0, 0.3),
    perp("SUPERBOWL-LIX-CHIEFS-BET", "Prelaunch", 0, 0.4),
    perp("HYPE-PERP", "PythLazer", 110, 31.0),
    perp("LTC-PERP", "PythLazer", 26, 54.0),
    perp("ME-PERP", "PythLazer", 93, 0.12),
    perp("PENGU-PERP", "PythLazer", 97, 0.0067),
    perp("AI16Z-PERP", "PythLazer", 171, 0.02),
    perp("TRUMP-PERP", "PythLazer", 203, 3.2),
    perp("MELANIA-PERP", "PythLazer", 145, 0.11),
    perp("BERA-PERP", "PythLazer", 308, 0.6),
    perp("NBAFINALS25-OKC-BET", "Prelaunch", 0, 0.6),
    perp("NBAFINALS25-BOS-BET", "Prelaunch", 0, 0.3),
    perp("KAITO-PERP", "PythLazer", 306, 0.3),
    perp("IP-PERP", "PythLazer", 309, 1.1),
    perp("FARTCOIN-PERP", "PythLazer", 182, 0.17),
    perp("ADA-PERP", "PythLazer", 16, 0.26),
    perp("PAXG-PERP", "PythLazer", 163, 5100.0),
    perp("LAUNCHCOIN-PERP", "PythPull", 1_000_074, 0.04),
    perp("PUMP-PERP", "PythLazer", 1578, 0.0021),
    perp("ASTER-PERP", "PythLazer", 2310, 0.7),
    perp("XPL-PERP", "PythLazer", 2312, 0.1),
    perp("2Z-PERP", "PythLazer", 2316, 0.08),
    perp("ZEC-PERP", "PythLazer", 66, 220.0),
    perp("MNT-PERP", "PythLazer", 199, 0.7),
    perp("1KPUMP-PERP", "PythLazer1K", 1578, 2.1),
    perp("MET-PERP", "PythLazer", 2382, 0.15),
    perp("1KMON-PERP", "PythLazer1K", 2396, 22.0),
    perp("LIT-PERP", "PythLazer", 2921, 1.2),
    perp("BP-PERP", "PythLazer", 3076, 0.2),
];

#[rustfmt::skip]
const SPOTS: [Row; 40] = [
    spot("USDC", "PythLazerStableCoin", 7, 1.0, 6, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
    spot("SOL", "PythLazer", 6, 85.0, 9, "So11111111111111111111111111111111111111112"),
    spot("mSOL", "PythLazer", 503, 116.0, 9, "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So"),
    spot("wBTC", "PythPull", 103, 68_000.0, 8, "3NZ9JMVBmGAqocybic2c7LQCJScmgsAZ6vQqTDzcqmJh"),
    spot("wETH", "PythLazer", 2, 2000.0, 8, "7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs"),
    spot("USDT", "PythStableCoin", 8, 1.0, 6, "Es9vMFrzaCERmJfrF4H2FYD4KCoNkY11McCe8BenwNYB"),
    spot("jitoSOL", "PythLazer", 458, 107.0, 9, "J1toso1uCk3RLmjorhTtrVwY9HJ7X8V9yYac6Y7kGCPn"),
    spot("PYTH", "PythLazer", 3, 0.045, 6, "HZ1JovNiVvGrGNiiYvEozEVgZ58xaU3RKwX8eACQBCt3"),
    spot("bSOL", "PythLazer", 389, 98.0, 9, "bSo13r4TkiE4KumL71LsHTPpL2euBYLFx6h9HP3piy1"),
    spot("JTO", "PythLazer", 91, 0.3, 9, "jtojtomepa8beP8AuQc6eXt5FriJwfFMwQx2v2f9mCL"),
    spot("WIF", "PythLazer", 10, 0.21, 6, "EKpQGSJtjMFqKZ9KQanSqYXRcF8fBopzLHYxdM65zcjm"),
    spot("JUP", "PythLazer", 92, 0.17, 6, "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN"),
    spot("RENDER", "PythLazer", 34, 1.5, 8, "rndrizKT3MK1iimdxRdWabcF7Zg7AR5T4nud4EkHBof"),
    spot("W", "PythLazer", 102, 0.02, 6, "85VBFQZC9TZkfaptBWjvUw7YbZjy52A6mjtPGjstQAmQ"),
    spot("TNSR", "PythLazer", 99, 0.045, 9, "TNSRxcUxoT9xBG3de7PiJyTDYu7kskLqcpddxnEJAS6"),
    spot("DRIFT", "PythLazer", 249, 0.09, 6, "DriFtupJYLTosbwoN8koMbEYSx54aFAVLddWsbksjwg7"),
    spot("INF", "PythLazer", 455, 118.0, 9, "5oVNBeEEQvYi1cX3ir8Dx5n1P7pdxydbGF2X4TxVusJm"),
    spot("dSOL", "PythLazer", 415, 96.0, 9, "Dso1bDeDjCQxTrWHqUUi63oBvV7Mdm6WaobLbQ7gnPQ"),
    spot("USDY", "PythLazer", 276, 1.1, 6, "A1KLoBrKBde8Ty9qtNQUtq3C2ortoC3u7twggz7sEto6"),
    spot("JLP", "PythLazer", 459, 3.9, 6, "27G8MtK7VtTcCHkpASjSDdkWWYfoqT6ggEuKidVJidD4"),
    spot("POPCAT", "PythLazer", 130, 0.05, 9, "7GCihgDB8fe6KNjn2MYtkzZcRjQy3t9GHdC8uHYmW2hr"),
    spot("CLOUD", "PythLazer", 404, 0.03, 9, "CLoUDKc4Ane7HeQcPpE3YHnznRxhMimJ4MyaUqyHFzAu"),
    spot("PYUSD", "PythLazerStableCoin", 156, 1.0, 6, "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo"),
    spot("USDe", "PythStableCoinPull", 204, 1.0, 9, "DEkqHyPN7GMRJ5cArtQFAWefqbZb33Hyf6s5iCwjEonT"),
    spot("sUSDe", "PythLazer", 582, 1.2, 9, "Eh6XEPhSwoLv5wFApukmnaVSHQ6sAnoD9BmgmwQoN2sN"),
    spot("BNSOL", "PythLazer", 384, 93.0, 9, "BNso1VUJnh4zcfpZa6986Ea66P6TCp59hvtNJ8b1X85"),
    spot("MOTHER", "PythLazer", 501, 0.003, 6, "3S8qX1MsMqRbiwKg2cQyx7nis1oHMgaCuc9c4VfvVdPN"),
    spot("cbBTC", "PythLazer", 397, 68_000.0, 8, "cbbtcf3aa214zXHbiAZQwf4122FBYbraNdFqgw4iMij"),
    spot("USDS", "PythLazerStableCoin", 611, 1.0, 6, "USDSwr9ApdHk5bvJKMjzff41FfuX8bSxdKcR81vTwcA"),
    spot("META", "SwitchboardOnDemand", 1_000_129, 5.5, 9, "METADDFL6wWMWEoKTFJwcThTbUmtarRJZjRpzUvkxhr"),
    spot("ME", "PythLazer", 93, 0.12, 6, "MEFNBXixkEbait3xn9bkm8WsJzXtVsaJEn4c8Sam21u"),
    spot("PENGU", "PythLazer", 97, 0.0067, 6, "2zMMhcVQEXDtdE6vsFS7S7D5oUodfJHE8vd1gnBouauv"),
    spot("BONK", "PythLazer", 9, 0.000_006_2, 5, "DezXAZ8z7PnrnRJjz3wXBoRgixCa6xjnB7YaB1pPB263"),
    spot("JLP-1", "PythLazer", 694, 3.9, 6, "27G8MtK7VtTcCHkpASjSDdkWWYfoqT6ggEuKidVJidD4"),
    spot("USDC-1", "PythLazerStableCoin", 7, 1.0, 6, "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"),
    spot("AI16Z", "SwitchboardOnDemand", 1_000_135, 0.02, 9, "HeLp6NuQkmYB4pYWo2zYs22mESHXPQYzXbB8n4V98jwC"),
    spot("TRUMP", "PythLazer", 203, 3.2, 6, "6p6xgHyF7AeE6TZkSmFsko444wqoP15icUSqi2jfGiPN"),
    spot("MELANIA", "PythLazer", 145, 0.11, 6, "FUAfBo2jgks6gB4Z4LfZkqSZgzNucisEHqnNebaRxM1P"),
    spot("AUSD", "QuoteAsset", 0, 1.0, 6, "AUSD1jCcCyPLybk1YnvPWsHQSrZ46dxwoMniN4N2UEB9"),
    spot("FARTCOIN", "PythLazer", 182, 0.17, 6, "9BB6NFEcjBCtnNLFko2FqVQBq8HHM13kCyYcdQbgpump"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn markets_have_the_names_that_they_have_on_mainnet_in_that_order() {
        let perps: Vec<_> = (0..6).map(|index| perp_market(index).symbol).collect();
        let known = ["SOL-PERP", "BTC-PERP", "ETH-PERP", "APT-PERP", "1MBONK-PERP", "POL-PERP"];
        assert_eq!(perps, known);
        let spots: Vec<_> = (0..4).map(|index| spot_market(index).symbol).collect();
        assert_eq!(spots, ["USDC", "SOL", "mSOL", "wBTC"]);
    }

    #[test]
    fn every_market_has_a_name_of_its_own_that_fits_and_a_price() {
        for list in [perp_market, spot_market] {
            let markets: Vec<_> = (0..300).map(list).collect();
            let names: HashSet<_> = markets.iter().map(|market| &market.symbol).collect();
            assert_eq!(names.len(), 300);
            assert!(names.iter().all(|name| name.len() <= 32));
            assert!(markets.iter().all(|market| market.price > 0.0));
        }
        // A perp's mark price must be able to follow its oracle to half a percent.
        assert!((0..300).map(perp_market).all(|market| market.price >= 0.002));
    }
}

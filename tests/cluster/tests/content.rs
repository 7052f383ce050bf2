//! The real accounts, the simulation, and many updates.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use driftshm_cluster::{Cluster, Commitment, Options, Pace, Sim, SimOptions};
use driftshm_layout::profile::{Kind, role};
use driftshm_writer::oracle::{Decoder, Source};
use futures_util::{SinkExt, StreamExt, stream};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use yellowstone_grpc_proto::geyser::geyser_client::GeyserClient;
use yellowstone_grpc_proto::geyser::subscribe_update::UpdateOneof;
use yellowstone_grpc_proto::geyser::{SubscribeRequest, SubscribeRequestFilterAccounts};

const WATCHDOG: Duration = Duration::from_secs(60);

/// The real accounts; `None` where they are not, which CI does not put up with.
fn recorded() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/drift/accounts.jsonl");
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{} is missing", path.display());
    println!("skipped: {} is missing", path.display());
    None
}

#[tokio::test]
async fn real_accounts_are_served_with_every_oracle_that_they_name() {
    let Some(accounts) = recorded() else { return };
    let lines = std::fs::read_to_string(&accounts).unwrap();
    let options = Options {
        accounts: Some(accounts),
        sim: None,
        pace: Pace::OnCommand,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let profile = cluster.profile();
    let decoder = Decoder::new(profile);
    let sources = profile.enum_def(profile.oracle_sources().unwrap()).unwrap();
    let all = cluster.snapshot(Commitment::Finalized);
    let mut markets = 0;
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let pubkey = line["pubkey"].as_str().unwrap().parse().unwrap();
        assert_eq!(all[&pubkey].owner, profile.program_id);
    }
    for account in all.values() {
        let Some(def) = profile.classify(&account.data) else { continue };
        if !matches!(def.kind, Kind::PerpMarket | Kind::SpotMarket) {
            continue;
        }
        let oracle = def.role(role::ORACLE).unwrap().read_pubkey(&account.data).unwrap();
        let source = def.role(role::ORACLE_SOURCE).unwrap().read_u64(&account.data).unwrap();
        let source = Source::parse(&sources.variants[source as usize]).unwrap();
        let price = decoder.decode(source, &all[&oracle].data);
        assert!(price.is_ok(), "{}: {source:?} {price:?}", account.pubkey);
        markets += 1;
    }
    assert!(markets >= 8, "{markets}");
    assert!(all.contains_key(&profile.state_address().unwrap()));
}

#[tokio::test]
async fn simulated_accounts_change_and_slots_pass() {
    let accounts = SimOptions { markets: 2, spot_markets: 1, users: 3, ..SimOptions::default() };
    let options = Options {
        sim: Some(Sim { accounts, rate: 500 }),
        pace: Pace::Every(Duration::from_millis(20)),
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let before = cluster.snapshot(Commitment::Finalized);
    let started = Instant::now();
    loop {
        assert!(started.elapsed() < WATCHDOG);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let now = cluster.snapshot(Commitment::Confirmed);
        assert_eq!(now.len(), before.len());
        let changed = now.values().filter(|account| before[&account.pubkey] != **account).count();
        if changed > 6 && cluster.slot(Commitment::Finalized) > 405_286_920 {
            return;
        }
    }
}

/// Writes 20,000 updates in 80 steps as fast as they go, to a client of pubsub and one of Yellowstone at once: each
/// gets all, in order. `--release -- --nocapture` shows how long it takes.
#[tokio::test]
async fn many_updates_reach_both_kinds_of_stream_whole_and_in_order() {
    const STEPS: u64 = 80;
    const STEP: u64 = 250;
    let accounts = SimOptions { markets: 50, users: 200, ..SimOptions::default() };
    let options = Options {
        sim: Some(Sim { accounts, rate: 0 }),
        pace: Pace::OnCommand,
        ..Options::default()
    };
    let cluster = Cluster::start(options).await.unwrap();
    let program = cluster.profile().program_id;
    let (mut ws, _) = connect_async(cluster.ws_url()).await.unwrap();
    let config = json!({"encoding": "base64", "commitment": "processed"});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "programSubscribe", "params": [program, config]});
    ws.send(Message::text(request.to_string())).await.unwrap();
    assert!(matches!(ws.next().await, Some(Ok(Message::Text(_)))));
    let owner = vec![program.to_string()];
    let filter = SubscribeRequestFilterAccounts { owner, ..Default::default() };
    let request = SubscribeRequest {
        accounts: [("program".to_owned(), filter)].into(),
        from_slot: Some(cluster.slot(Commitment::Processed)),
        ..Default::default()
    };
    let requests = stream::iter([request]).chain(stream::pending());
    let mut client = GeyserClient::connect(cluster.grpc_url()).await.unwrap();
    let mut updates = client.subscribe(requests).await.unwrap().into_inner();

    let all: Vec<_> = cluster.snapshot(Commitment::Processed).into_values().collect();
    let own: Vec<_> = all.into_iter().filter(|account| account.owner == program).collect();
    let total = STEPS * STEP;
    let started = Instant::now();
    let over_ws = tokio::spawn(async move {
        let mut bytes = 0;
        let mut count = 0;
        while count < total {
            match ws.next().await.unwrap().unwrap() {
                Message::Text(text) => {
                    bytes += text.len();
                    count += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        (started.elapsed(), bytes)
    });
    let over_grpc = tokio::spawn(async move {
        let (mut count, mut last) = (0, 0);
        while count < total {
            let update = updates.message().await.unwrap().unwrap();
            if let Some(UpdateOneof::Account(update)) = update.update_oneof {
                let version = update.account.unwrap().write_version;
                assert!(version > last, "{version} after {last}");
                last = version;
                count += 1;
            }
        }
        started.elapsed()
    });
    let mut next = own.iter().cycle();
    for _ in 0..STEPS {
        for account in next.by_ref().take(STEP as usize) {
            cluster.edit_account(&account.pubkey, |data| {
                if let Some(last) = data.last_mut() {
                    *last = last.wrapping_add(1);
                }
            });
        }
        cluster.advance();
        tokio::task::yield_now().await;
    }
    let both = async { (over_ws.await.unwrap(), over_grpc.await.unwrap()) };
    let ((ws, bytes), grpc) = tokio::time::timeout(WATCHDOG, both).await.unwrap();
    let rate = |took: Duration| (total as f64 / took.as_secs_f64()) as u64;
    println!("ws {}/s ({bytes} bytes), grpc {}/s, at once, clients included", rate(ws), rate(grpc));
}

//! From plans to requests, and what comes of them.

use driftshm_layout::clock;
use tokio::time::Instant;

use super::*;
use crate::live::stream::SlotStatus;

#[tokio::test]
async fn the_token_is_sent_and_each_request_is_whole() {
    let mut node = Node::start().await;
    let mut grpc = watched(Grpc::connect(&node.options, Some(5))).await.unwrap();
    let filters = vec![(0, vec![1, 2, 3])];
    let sorts = vec![Sort { name: "User".to_owned(), filters }];
    watched(grpc.follow(&Plan { sorts: sorts.clone(), ..accounts(&[1]) })).await.unwrap();
    let mut session = node.session().await;
    assert_eq!(session.token.as_deref(), Some("TOP-SECRET"));
    let first = session.request().await;
    assert_eq!((first.from_slot, first.ping), (Some(5), None));
    assert_eq!(first.accounts["accounts"].account, [Pubkey([1; 32]).to_string()]);
    assert_eq!(first.accounts["s0"].owner, [OWNER.to_string()]);
    assert!(first.slots.contains_key("slots"));

    watched(grpc.follow(&Plan { sorts, ..accounts(&[1, 2]) })).await.unwrap();
    let second = session.request().await;
    // Of what is in both, nothing is missing; and where to begin was the first one's to say.
    assert_eq!(second.from_slot, None);
    assert_eq!(second.accounts["s0"], first.accounts["s0"]);
    assert_eq!(second.accounts["accounts"].account.len(), 2);
    assert_eq!((second.slots, second.commitment), (first.slots, first.commitment));
}

#[tokio::test]
async fn following_takes_a_slot_and_a_pong_that_came_after_it() {
    let mut node = Node::start().await;
    let (mut grpc, mut session) = node.following(&accounts(&[1]), None).await;
    session.pong(1).await;
    session.account(&[1; 32], 6, vec![1]).await;
    assert!(matches!(event(&mut grpc).await, Event::Account(_)));
    session.slot(7).await;
    let processed = SlotUpdate { slot: 7, parent: Some(6), status: SlotStatus::Processed };
    assert_eq!(event(&mut grpc).await, Event::Slot(processed));
    let ping = session.request().await;
    let id = ping.ping.unwrap().id;
    // A ping is nothing but that: filters in it would be taken for new ones.
    assert_eq!(ping, SubscribeRequest { ping: ping.ping, ..Default::default() });
    session.slot(8).await;
    assert!(matches!(event(&mut grpc).await, Event::Slot(_)));
    session.pong(id + 1).await;
    session.slot(9).await;
    assert!(matches!(event(&mut grpc).await, Event::Slot(_)));
    session.pong(id).await;
    assert_eq!(event(&mut grpc).await, Event::Following);
    // Once for each plan.
    session.pong(id).await;
    session.slot(10).await;
    assert!(matches!(event(&mut grpc).await, Event::Slot(_)));
    watched(grpc.follow(&accounts(&[2]))).await.unwrap();
    assert!(session.request().await.ping.is_none());
    session.confirm(&mut grpc, 11).await;
}

#[tokio::test]
async fn a_server_that_answers_no_pings_is_followed_after_two_seconds_of_slots() {
    let mut node = Node::start().await;
    let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
    let began = Instant::now();
    tokio::spawn(async move {
        for slot in 7.. {
            session.slot(slot).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    watched(async { while event(&mut grpc).await != Event::Following {} }).await;
    assert!(began.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn accounts_come_as_they_were_sent() {
    for packing in [None, Some(CompressionEncoding::Zstd), Some(CompressionEncoding::Gzip)] {
        let mut node = Node::with(None, packing).await;
        let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
        let before = clock::monotonic_ns();
        session.account(&[1; 32], 70, vec![8; 100_000]).await;
        let Event::Account(update) = event(&mut grpc).await else { panic!() };
        assert!((before..=clock::monotonic_ns()).contains(&update.received_ns));
        assert_eq!((update.pubkey, update.owner), (Pubkey([1; 32]), Some(OWNER)));
        assert_eq!((update.slot, update.write_version, update.lamports), (70, 9, 5));
        assert_eq!(update.data, vec![8; 100_000]);
    }
}

#[tokio::test]
async fn a_key_that_is_cut_short_is_skipped() {
    let mut node = Node::start().await;
    let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
    session.account(&[1; 31], 70, vec![1]).await;
    let Event::Unreadable(None, why) = event(&mut grpc).await else { panic!() };
    assert!(why.contains("31 bytes"), "{why}");
    session.account(&[1; 32], 70, vec![1]).await;
    assert!(matches!(event(&mut grpc).await, Event::Account(_)));
}

#[tokio::test]
async fn next_may_be_dropped_at_any_time_without_losing_anything() {
    let mut node = Node::start().await;
    let (mut grpc, session) = node.following(&accounts(&[1]), None).await;
    tokio::spawn(async move {
        for slot in 100..600 {
            session.slot(slot).await;
            if slot % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        // It stays open until the client is gone.
        session.updates.closed().await;
    });
    let mut slots = Vec::new();
    watched(async {
        while slots.last() != Some(&599) {
            tokio::select! {
                biased;
                event = grpc.next() => if let Event::Slot(update) = event.unwrap() {
                    slots.push(update.slot);
                },
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    assert_eq!(slots, (100..600).collect::<Vec<_>>());
}

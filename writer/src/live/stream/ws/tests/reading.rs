//! From notifications to events.

use driftshm_layout::clock;

use super::*;
use crate::feeds::AccountUpdate;
use crate::live::stream::SlotStatus;

/// A client that follows one account and one sort, with the numbers of slots and of both.
async fn following() -> (Peer, Client, [u64; 3]) {
    let plan = Plan { sorts: vec![sort("User")], ..accounts(&[1]) };
    let (mut peer, mut client) = Node::start().await.connected(plan).await;
    let (_, slots) = peer.grant("slotSubscribe").await;
    let (_, users) = peer.grant("programSubscribe").await;
    let (_, account) = peer.grant("accountSubscribe").await;
    assert_eq!(client.event().await, Event::Following);
    (peer, client, [slots, users, account])
}

#[tokio::test]
async fn accounts_have_their_own_slot_and_the_time_they_came() {
    let (mut peer, mut client, [slots, users, account]) = following().await;
    peer.slot(slots, 77).await;
    let begun = SlotUpdate { slot: 77, parent: Some(76), status: SlotStatus::Begun };
    assert_eq!(client.slot().await, begun);

    let before = clock::monotonic_ns();
    peer.account(account, 70, ui_account("AQID", 5)).await;
    let Event::Account(update) = client.event().await else { panic!() };
    assert!((before..=clock::monotonic_ns()).contains(&update.received_ns));
    let expected = AccountUpdate {
        pubkey: key(1),
        owner: Some(OWNER),
        slot: 70,
        write_version: 0,
        lamports: 5,
        data: vec![1, 2, 3],
        received_ns: update.received_ns,
        source: 0,
    };
    assert_eq!(update, expected);

    let keyed = json!({"pubkey": key(9).to_string(), "account": ui_account("AQID", 5)});
    peer.notify("program", users, json!({"context": {"slot": 71}, "value": keyed})).await;
    let Event::Account(update) = client.event().await else { panic!() };
    let received_ns = update.received_ns;
    assert_eq!(update, AccountUpdate { pubkey: key(9), slot: 71, received_ns, ..expected });
}

#[tokio::test]
async fn an_account_that_is_closed_comes_without_data() {
    let (mut peer, mut client, [_, _, account]) = following().await;
    let closed = |pubkey, update: Event| {
        let Event::Account(update) = update else { panic!("{update:?}") };
        assert_eq!((update.pubkey, update.lamports, update.data), (pubkey, 0, Vec::new()));
    };
    peer.account(account, 70, ui_account("AQID", 0)).await;
    closed(key(1), client.event().await);
    peer.account(account, 71, ui_account("", 0)).await;
    closed(key(1), client.event().await);
    peer.account(account, 72, Value::Null).await;
    closed(key(1), client.event().await);
}

#[tokio::test]
async fn what_cannot_be_read_is_counted_and_skipped() {
    let (mut peer, mut client, [slots, users, account]) = following().await;
    let short = json!({"pubkey": "dRiftyHA39", "account": ui_account("AQID", 5)});
    let of_owner = |owner: &str| {
        let mut value = ui_account("AQID", 5);
        value["owner"] = owner.into();
        value
    };
    let with_data = |data: Value| {
        let mut value = ui_account("AQID", 5);
        value["data"] = data;
        value
    };
    for (kind, number, result, reason) in [
        ("account", account, json!({"value": ui_account("AQID", 1)}), "context"),
        ("account", account, json!({"context": {"slot": 1}}), "value"),
        ("account", account, json!({"context": {"slot": 1}, "value": 7}), "invalid type"),
        ("account", slots, json!({"context": {"slot": 1}, "value": null}), "slotSubscribe"),
        ("program", account, json!({"context": {"slot": 1}, "value": short}), "accountSubscribe"),
        ("program", users, json!({"context": {"slot": 1}, "value": short}), "dRiftyHA39"),
        ("root", users, json!(1), "unknown kind"),
        ("slot", slots, json!({"slot": "x"}), "invalid type"),
    ] {
        peer.notify(kind, number, result).await;
        let why = client.bad().await;
        assert!(why.contains(reason), "{kind}: {why}");
    }
    for (value, reason) in [
        (ui_account("AQI", 1), "base64"),
        (ui_account("!!!!", 1), "base64"),
        (of_owner("short"), "owner"),
        (with_data(json!("error: data too large for bs58 encoding")), "base58"),
        (with_data(json!(["AQID", "base58"])), "base58"),
        (with_data(json!({"parsed": {}})), "jsonParsed"),
    ] {
        peer.account(account, 1, value).await;
        let why = client.bad().await;
        assert!(why.contains(reason) && why.contains(&key(1).to_string()), "{why}");
    }
    for text in ["", "{", "<html>502 at /TOP-SECRET</html>", "[1]", "{}", "null", "\u{1f980}"] {
        peer.send(text).await;
        let why = client.bad().await;
        assert!(!why.contains("SECRET"), "{why}");
    }
    watched(peer.socket.send(Message::binary(vec![0xff, 0xfe]))).await.unwrap();
    assert!(client.bad().await.contains("not text"));
    // The stream is as it was.
    peer.account(account, 70, ui_account("AQID", 5)).await;
    assert!(matches!(client.event().await, Event::Account(_)));
}

#[tokio::test]
async fn what_nobody_asked_for_is_left_alone() {
    let (mut peer, mut client, [slots, ..]) = following().await;
    peer.account(4711, 70, ui_account("AQID", 5)).await;
    let keyed = json!({"pubkey": key(9).to_string(), "account": ui_account("AQID", 5)});
    peer.notify("program", 4711, json!({"context": {"slot": 71}, "value": keyed})).await;
    peer.send(json!({"jsonrpc": "2.0", "id": 4711, "result": true})).await;
    peer.slot(slots, 77).await;
    assert_eq!(client.slot().await.slot, 77);
}

#[tokio::test]
async fn next_may_be_dropped_at_any_time_without_losing_anything() {
    let node = Node::start().await;
    let options = node.options("ws");
    let serving = tokio::spawn(async move {
        let socket = accept_async(node.accept().await).await.unwrap();
        let mut peer = Peer { socket, last: 0 };
        let (_, slots) = peer.grant("slotSubscribe").await;
        for _ in 0..300 {
            peer.grant("accountSubscribe").await;
        }
        for slot in 100..600 {
            peer.slot(slots, slot).await;
            if slot % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        peer
    });
    let keys = (0..300u32).map(|number| {
        let mut key = [9; 32];
        key[..4].copy_from_slice(&number.to_le_bytes());
        Pubkey(key)
    });
    let plan = Plan { program: OWNER, sorts: Vec::new(), accounts: keys.collect() };
    let mut ws = Ws::connect(&options, None).await.unwrap();
    ws.follow(&plan).await.unwrap();
    let mut events = Vec::new();
    watched(async {
        while events.last() != Some(&599) {
            tokio::select! {
                biased;
                event = ws.next() => match event.unwrap() {
                    Event::Slot(update) => events.push(update.slot),
                    Event::Following => events.push(0),
                    Event::Alive => {}
                    other => panic!("{other:?}"),
                },
                () = tokio::task::yield_now() => {}
            }
        }
    })
    .await;
    assert_eq!(events[0], 0);
    assert_eq!(events[1..], (100..600).collect::<Vec<_>>());
    drop(serving.await.unwrap());
}

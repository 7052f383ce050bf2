//! From plans to subscriptions.

use super::*;

/// The keys of accounts that were asked for, or ended, in a request's parameters.
fn first(params: &Value) -> &str {
    params[0].as_str().unwrap()
}

#[tokio::test]
async fn all_of_a_plan_is_subscribed_to_and_then_followed() {
    let plan = Plan { sorts: vec![sort("User")], ..accounts(&[1, 2]) };
    let node = Node::start().await;
    let (mut peer, mut client) = node.connected(plan).await;
    let (params, _) = peer.grant("slotSubscribe").await;
    assert_eq!(params, json!([]));
    let (params, _) = peer.grant("programSubscribe").await;
    let discriminator = bs58::encode([1, 2, 3, 4, 5, 6, 7, 8]).into_string();
    let filters = json!([
        {"memcmp": {"offset": 0, "bytes": discriminator}},
        {"memcmp": {"offset": 40, "bytes": "1"}},
    ]);
    let config = json!({"encoding": "base64", "commitment": "confirmed", "filters": filters});
    assert_eq!(params, json!([OWNER.to_string(), config]));
    let config = json!({"encoding": "base64", "commitment": "confirmed"});
    let (params, _) = peer.grant("accountSubscribe").await;
    assert_eq!(params, json!([key(1).to_string(), config]));
    let (params, _) = peer.grant("accountSubscribe").await;
    assert_eq!(params, json!([key(2).to_string(), config]));
    assert_eq!(client.event().await, Event::Following);
}

#[tokio::test]
async fn following_waits_for_the_last_answer() {
    let node = Node::start().await;
    let (mut peer, mut client) = node.connected(accounts(&[1])).await;
    let (_, slots) = peer.grant("slotSubscribe").await;
    let last = peer.request().await;
    for slot in 50..60 {
        peer.slot(slots, slot).await;
        assert_eq!(client.slot().await.slot, slot);
    }
    peer.send(json!({"jsonrpc": "2.0", "id": last["id"], "result": 1})).await;
    assert_eq!(client.event().await, Event::Following);
}

#[tokio::test]
async fn a_change_of_the_plan_leaves_no_gap() {
    let node = Node::start().await;
    let (mut peer, mut client) = node.connected(accounts(&[1, 2])).await;
    peer.grant("slotSubscribe").await;
    let (_, one) = peer.grant("accountSubscribe").await;
    let (_, two) = peer.grant("accountSubscribe").await;
    assert_eq!(client.event().await, Event::Following);

    client.plans.send(Plan { sorts: vec![sort("User")], ..accounts(&[2, 3]) }).unwrap();
    let sorted = peer.request().await;
    assert_eq!(sorted["method"], "programSubscribe");
    let (params, three) = peer.grant("accountSubscribe").await;
    assert_eq!(first(&params), key(3).to_string());
    // The sort that replaces it is not there yet: the old one still comes.
    peer.account(one, 9, ui_account("AQID", 1)).await;
    let Event::Account(update) = client.event().await else { panic!() };
    assert_eq!(update.pubkey, key(1));
    peer.send(json!({"jsonrpc": "2.0", "id": sorted["id"], "result": 7})).await;
    assert_eq!(client.event().await, Event::Following);
    // Only now does the old one end, and what is in both plans was never touched.
    let ended = peer.request().await;
    assert_eq!((&ended["method"], &ended["params"]), (&json!("accountUnsubscribe"), &json!([one])));
    peer.send(json!({"jsonrpc": "2.0", "id": ended["id"], "result": true})).await;
    // What was under way when it ended is nobody's.
    peer.account(one, 10, ui_account("AQID", 1)).await;
    for (number, byte) in [(two, 2), (three, 3)] {
        peer.account(number, 11, ui_account("AQID", 1)).await;
        let Event::Account(update) = client.event().await else { panic!() };
        assert_eq!((update.pubkey, update.slot), (key(byte), 11));
    }
    // The same plan again: nothing to do.
    client.plans.send(Plan { sorts: vec![sort("User")], ..accounts(&[2, 3]) }).unwrap();
    assert_eq!(client.event().await, Event::Following);
}

#[tokio::test]
async fn an_account_that_is_wanted_again_is_subscribed_to_again() {
    let node = Node::start().await;
    let (mut peer, mut client) = node.connected(accounts(&[1])).await;
    peer.grant("slotSubscribe").await;
    let (_, old) = peer.grant("accountSubscribe").await;
    assert_eq!(client.event().await, Event::Following);
    client.plans.send(accounts(&[])).unwrap();
    assert_eq!(client.event().await, Event::Following);
    client.plans.send(accounts(&[1])).unwrap();
    assert_eq!(peer.request().await["method"], "accountUnsubscribe");
    let (_, new) = peer.grant("accountSubscribe").await;
    assert_eq!(client.event().await, Event::Following);
    assert_ne!(old, new);
    peer.account(new, 11, ui_account("AQID", 1)).await;
    assert!(matches!(client.event().await, Event::Account(_)));
}

#[tokio::test]
async fn a_plan_that_changes_while_it_is_carried_out_is_carried_out_once() {
    let node = Node::start().await;
    let (mut peer, mut client) = node.connected(accounts(&[1])).await;
    let slots = peer.request().await;
    let one = peer.request().await;
    client.plans.send(accounts(&[2])).unwrap();
    let two = peer.request().await;
    assert_eq!(first(&two["params"]), key(2).to_string());
    for (number, request) in [slots, one, two].iter().enumerate() {
        peer.send(json!({"id": request["id"], "result": number})).await;
    }
    assert_eq!(client.event().await, Event::Following);
    let ended = peer.request().await;
    assert_eq!((&ended["method"], &ended["params"]), (&json!("accountUnsubscribe"), &json!([1])));
    peer.slot(0, 50).await;
    assert_eq!(client.slot().await.slot, 50);
}

#[tokio::test]
async fn a_thousand_accounts_are_subscribed_to_though_the_node_talks_all_the_while() {
    let node = Node::start().await;
    let keys = (0..1000u32).map(|number| {
        let mut key = [9; 32];
        key[..4].copy_from_slice(&number.to_le_bytes());
        Pubkey(key)
    });
    let plan = Plan { program: OWNER, sorts: Vec::new(), accounts: keys.collect() };
    let (mut peer, mut client) = node.connected(plan).await;
    let (_, slots) = peer.grant("slotSubscribe").await;
    // A node that has so much to say that it does not listen.
    let large = "A".repeat(1 << 20);
    for slot in 100..112 {
        peer.slot(slots, slot).await;
        peer.account(1, slot, ui_account(&large, 1)).await;
    }
    for _ in 0..1000 {
        peer.grant("accountSubscribe").await;
    }
    let mut came = 0;
    loop {
        match client.event().await {
            Event::Slot(_) => came += 1,
            Event::Following => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(came, 12);
}

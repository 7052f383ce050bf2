//! What the documentation shows of the protocol is what the code says.

use driftshm_layout::control::{Request, Response};
use serde_json::Value;

const PROTOCOL: &str = include_str!("../../docs/control-protocol.md");

/// The lines of all blocks marked as JSON.
fn json_lines(text: &str) -> Vec<&str> {
    let blocks = text.split("```json\n").skip(1);
    let blocks = blocks.filter_map(|block| block.split("```").next());
    blocks.flat_map(str::lines).filter(|line| !line.trim().is_empty()).collect()
}

#[test]
fn every_message_shown_is_a_message_and_every_message_is_shown() {
    let lines = json_lines(PROTOCOL);
    let mut names: Vec<String> = Vec::new();
    for line in &lines {
        let value: Value = serde_json::from_str(line).expect(line);
        let again = match value.get("op") {
            Some(_) => {
                let request: Request = serde_json::from_str(line).expect(line);
                serde_json::to_value(request).unwrap()
            }
            None => {
                let response: Response = serde_json::from_str(line).expect(line);
                serde_json::to_value(response).unwrap()
            }
        };
        assert_eq!(again, value, "{line}: shown otherwise than it is sent");
        let name = value.get("op").or(value.get("re")).and_then(Value::as_str);
        names.push(name.expect(line).to_owned());
    }
    for name in
        ["hello", "subscribe", "extend", "unsubscribe", "status", "subscribed", "done", "error"]
    {
        assert!(names.iter().any(|shown| shown == name), "{name} is not shown");
    }
}

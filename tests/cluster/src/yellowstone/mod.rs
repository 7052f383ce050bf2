//! Yellowstone gRPC.

use std::sync::Arc;

use tokio::net::TcpStream;

use crate::net::Gate;
use crate::node::Node;

pub(crate) async fn serve(_node: Arc<Node>, _stream: Gate<TcpStream>) {}

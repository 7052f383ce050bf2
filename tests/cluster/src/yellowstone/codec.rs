//! Updates that are bytes already, and requests as messages.

use bytes::{BufMut, Bytes};
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::{ProstCodec, ProstDecoder};
use yellowstone_grpc_proto::geyser::SubscribeRequest;

/// An update on its way: the names of the filters it fits, and what all who get it have in common.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub filters: Vec<u8>,
    pub body: Bytes,
}

/// Writes [`Frame`]s, reads requests.
#[derive(Debug, Default)]
pub(super) struct FrameCodec;

impl Codec for FrameCodec {
    type Encode = Frame;
    type Decode = SubscribeRequest;
    type Encoder = FrameEncoder;
    type Decoder = ProstDecoder<SubscribeRequest>;

    fn encoder(&mut self) -> FrameEncoder {
        FrameEncoder
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<SubscribeRequest, SubscribeRequest>::default().decoder()
    }
}

#[derive(Debug)]
pub(super) struct FrameEncoder;

impl Encoder for FrameEncoder {
    type Item = Frame;
    type Error = Status;

    fn encode(&mut self, frame: Frame, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(frame.filters.len() + frame.body.len());
        out.put_slice(&frame.filters);
        out.put(frame.body);
        Ok(())
    }
}

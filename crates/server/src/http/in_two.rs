//! A body in two pieces, of which the second is shared with other answers and so not copied.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The pieces that have not been taken yet. Both go into one write, and their length is known beforehand.
pub struct InTwo {
    first: Bytes,
    second: Bytes,
}

impl InTwo {
    /// What is this answer's own, and what it shares.
    pub fn new(own: Vec<u8>, shared: impl AsRef<[u8]> + Send + 'static) -> Self {
        InTwo { first: own.into(), second: Bytes::from_owner(shared) }
    }
}

impl Body for InTwo {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let second = mem::take(&mut self.second);
        let piece = mem::replace(&mut self.first, second);
        Poll::Ready((!piece.is_empty()).then(|| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.first.len() + self.second.len()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;

    #[tokio::test]
    async fn both_pieces_come_in_order_and_the_length_is_told_before() {
        let mut body = InTwo::new(b"ab".to_vec(), "cde");
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(5), false));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "ab");
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(3), false));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "cde");
        assert_eq!((body.size_hint().exact(), body.is_end_stream()), (Some(0), true));
        assert!(body.frame().await.is_none());
    }
}

//! A unix socket that carries frames, and file descriptors with them.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
    sync::Arc,
};

use rustix::{
    cmsg_space,
    net::{
        RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
        recvmsg, sendmsg,
    },
};
use serde::de::DeserializeOwned;
use tokio::{io::Interest, net::UnixStream};

use super::wire::{self, WireError};

/// stdin, stdout, stderr.
pub(super) const DESCRIPTORS: usize = 3;

/// Received descriptors must not pass to a process that starts at the same moment. Apple's systems have no such flag;
/// agent containers are Linux.
#[cfg(not(target_vendor = "apple"))]
const RECEIVE: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(target_vendor = "apple")]
const RECEIVE: RecvFlags = RecvFlags::empty();

/// Why no message came.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReceiveError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error(transparent)]
    Wire(#[from] WireError),
}

/// The receiving side of a connection.
pub(super) struct Receiver {
    stream: Arc<UnixStream>,
    /// Bytes that are no whole frame yet. Grows with what arrives, not with what a header announces.
    buffer: Vec<u8>,
    limit: usize,
    /// Descriptors that arrived and were not taken.
    descriptors: Vec<OwnedFd>,
}

impl Receiver {
    /// Receives frames of at most `limit` bytes.
    pub(super) fn new(stream: Arc<UnixStream>, limit: usize) -> Self {
        Self { stream, buffer: Vec::new(), limit, descriptors: Vec::new() }
    }

    /// The next message, or `None` at the end of the stream. May be dropped at any time: nothing is lost.
    pub(super) async fn next<M: DeserializeOwned>(&mut self) -> Result<Option<M>, ReceiveError> {
        loop {
            if let Some(message) = wire::decode(&mut self.buffer, self.limit)? {
                return Ok(Some(message));
            }
            if self.fill().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// The descriptors that came so far, in the order sent; never more than [`DESCRIPTORS`], the rest is closed.
    pub(super) fn take_descriptors(&mut self) -> Vec<OwnedFd> {
        std::mem::take(&mut self.descriptors)
    }

    async fn fill(&mut self) -> io::Result<usize> {
        let Self { stream, buffer, descriptors, .. } = self;
        stream.async_io(Interest::READABLE, || receive(stream, buffer, descriptors)).await
    }
}

fn receive(stream: &UnixStream, buffer: &mut Vec<u8>, descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut chunk = [0; 16 << 10];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received = recvmsg(stream, &mut [IoSliceMut::new(&mut chunk)], &mut control, RECEIVE)?;
    buffer.extend_from_slice(&chunk[..received.bytes]);
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            descriptors.extend(received);
            descriptors.truncate(DESCRIPTORS);
        }
    }
    Ok(received.bytes)
}

/// Sends a frame, the descriptors with its first bytes.
pub(super) async fn send(stream: &UnixStream, frame: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut sent = 0;
    while sent < frame.len() {
        let with = if sent == 0 { descriptors } else { &[] };
        sent += stream.async_io(Interest::WRITABLE, || send_some(stream, &frame[sent..], with)).await?;
    }
    Ok(())
}

fn send_some(stream: &UnixStream, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
        return Err(io::Error::other("too many descriptors for one message"));
    }
    Ok(sendmsg(stream, &[IoSlice::new(bytes)], &mut control, SendFlags::empty())?)
}

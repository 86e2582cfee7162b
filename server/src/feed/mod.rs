//! The way out: from the events of a source to the bytes that clients and player programs get.
//!
//! A *source* (the live game; a recording or a relay later) holds a [`FeedWriter`] and publishes
//! batches of lines. Each batch goes through the [journal](Journal), if there is one, into the log.
//! Whatever reads the log is a cursor in it:
//!
//! - a [`Subscription`] is read by its owner: the console, an exporter;
//! - a subscriber of a [`Broadcast`] is written to by one of a few [shards](Shard), over a
//!   [`Transport`]: clients and programs. A [`SubscriberHandle`] controls it.
//!
//! A subscriber that is new, or has fallen out of the log, needs a snapshot of the state. Its shard
//! requests one, and the source publishes it between two batches. The owner of a subscription does
//! so by [`resync`](Subscription::resync), if it needs the state.

mod broadcast;
mod broadcast_config;
mod command;
mod framing;
mod half_closed;
mod journal;
mod outbound_queue;
mod outgoing;
mod polled_stream;
mod shard;
mod snapshot;
mod state_reader;
mod subscriber;
mod subscriber_handle;
mod subscription;
mod transport;
mod welcome;
mod writer;

#[cfg(test)]
mod tests;

pub use self::{
    broadcast::Broadcast,
    broadcast_config::BroadcastConfig,
    framing::{Framing, Unframed},
    journal::{Append, Journal, JournalError},
    polled_stream::PolledStream,
    shard::Shard,
    state_reader::StateReader,
    subscriber_handle::SubscriberHandle,
    subscription::{Delivery, Subscription},
    transport::Transport,
    welcome::WelcomeTemplate,
    writer::FeedWriter,
};

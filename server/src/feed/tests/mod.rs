mod allocations;
mod model;
mod polled_stream;
mod shard;
mod subscriber;

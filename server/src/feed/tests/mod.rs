mod allocations;
mod model;
mod shard;
mod subscriber;

mod allocations;
mod model;
mod reader;
mod shard;

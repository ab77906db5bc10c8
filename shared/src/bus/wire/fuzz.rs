//! What must hold for any bytes on the bus.

use super::{pack, pack_heartbeat, unpack, unpack_any, unpack_message, unpack_put, unpack_topic};
use crate::bus::Heartbeat;

/// A packed value, heartbeat, topic or message. What can be read is read the same once it has been
/// packed anew.
pub fn bus_value(bytes: &[u8]) {
    if let Ok(record) = unpack(bytes) {
        let packed = pack(&record).unwrap_or_else(|error| panic!("{record:?}: {error}"));
        let again = unpack(&packed).unwrap_or_else(|error| panic!("{record:?}: {error}"));
        assert_eq!(again, record);
        assert_eq!(pack(&again).ok(), Some(packed));
    }
    if let Ok(heartbeat) = unpack_any::<Heartbeat>(bytes) {
        let packed = pack_heartbeat(&heartbeat).unwrap_or_else(|error| panic!("{error}"));
        let again = unpack_any::<Heartbeat>(&packed).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(format!("{again:?}"), format!("{heartbeat:?}"));
    }
    if let Some(topic) = unpack_topic(bytes) {
        assert_eq!(unpack_topic(topic.to_string().as_bytes()), Some(topic));
    }
    if let Ok(message) = unpack_message(bytes) {
        let told = message.puts.len() + message.removes.len();
        assert!(told <= bytes.len(), "{told} topics in {} bytes", bytes.len());
    }
    let (topic, value) = bytes.split_at(bytes.len() / 2);
    let _ = unpack_put(topic, value);
}

//! Customs: the messages as the e-port wants them.

mod messages;

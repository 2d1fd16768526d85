use crate::database::Value;

/// Which case of `value` a column holds: its number is the place of the case in the variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Null = 0,
    Boolean = 1,
    Int64 = 2,
    Float64 = 3,
    Decimal = 4,
    Text = 5,
    Bytes = 6,
    Uuid = 7,
    Date = 8,
    Time = 9,
    TimeTz = 10,
    Timestamp = 11,
    TimestampTz = 12,
    Interval = 13,
    Json = 14,
    Vector = 15,
    Array = 16,
    Other = 17,
    /// Values of several cases, with the kind of each beside them.
    Mixed = 255,
}

impl Kind {
    const ALL: [Self; 19] = [
        Self::Null,
        Self::Boolean,
        Self::Int64,
        Self::Float64,
        Self::Decimal,
        Self::Text,
        Self::Bytes,
        Self::Uuid,
        Self::Date,
        Self::Time,
        Self::TimeTz,
        Self::Timestamp,
        Self::TimestampTz,
        Self::Interval,
        Self::Json,
        Self::Vector,
        Self::Array,
        Self::Other,
        Self::Mixed,
    ];

    /// The kind of a column that holds only this value.
    pub(super) fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Boolean(_) => Self::Boolean,
            Value::Int64(_) => Self::Int64,
            Value::Float64(_) => Self::Float64,
            Value::Decimal(_) => Self::Decimal,
            Value::Text(_) => Self::Text,
            Value::Bytes(_) => Self::Bytes,
            Value::Uuid(_) => Self::Uuid,
            Value::Date(_) => Self::Date,
            Value::Time(_) => Self::Time,
            Value::TimeTz(_) => Self::TimeTz,
            Value::Timestamp(_) => Self::Timestamp,
            Value::TimestampTz(_) => Self::TimestampTz,
            Value::Interval(_) => Self::Interval,
            Value::Json(_) => Self::Json,
            Value::Vector(_) => Self::Vector,
            Value::Array(_) => Self::Array,
            Value::Other(_) => Self::Other,
        }
    }

    /// The kind of this number, if there is one.
    pub(super) fn numbered(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    pub(super) fn number(self) -> u8 {
        self as u8
    }

    /// Whether the data is text, which may come with offsets in UTF-16 code units.
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Decimal | Self::Text | Self::Uuid | Self::Json)
    }

    /// Whether the data begins with offsets.
    pub(super) fn has_offsets(self) -> bool {
        self.is_text() || matches!(self, Self::Bytes | Self::Vector | Self::Array)
    }
}

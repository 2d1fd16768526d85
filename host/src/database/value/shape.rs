use tokio_postgres::types::{Kind, Oid, Type};

/// How the binary form of a type without elements is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) enum Scalar {
    Boolean,
    Int16,
    Int32,
    Int64,
    /// An unsigned number of four bytes.
    Oid,
    Float32,
    Float64,
    Numeric,
    Text,
    Bytes,
    Uuid,
    Date,
    Time,
    TimeTz,
    Timestamp,
    TimestampTz,
    Interval,
    Json,
    /// JSON after a byte that says 1.
    Jsonb,
    Vector,
    /// No case of our own, but the binary form is the text: the labels of enumerations.
    Label,
    /// No case of our own: a text after a byte that says 1.
    VersionedLabel,
    /// No case of our own: an unsigned number of four bytes, which is also its notation.
    Number32,
    /// The same of eight bytes.
    Number64,
    /// An address of a network card.
    Hardware,
    /// A place in the write-ahead log.
    LogPlace,
    /// An address with or without a network.
    Network,
    /// A string of bits.
    Bits,
    /// No case of our own, and no text that we know.
    Opaque,
}

/// How the binary form of a type is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::database) struct Shape {
    /// How the value, or an element, is read.
    pub(in crate::database) scalar: Scalar,
    /// Whether it is an array.
    pub(in crate::database) is_array: bool,
}

impl Scalar {
    fn of(known: &Type) -> Self {
        match *known {
            Type::BOOL => Self::Boolean,
            Type::INT2 => Self::Int16,
            Type::INT4 => Self::Int32,
            Type::INT8 => Self::Int64,
            Type::OID => Self::Oid,
            Type::FLOAT4 => Self::Float32,
            Type::FLOAT8 => Self::Float64,
            Type::NUMERIC => Self::Numeric,
            Type::TEXT
            | Type::VARCHAR
            | Type::BPCHAR
            | Type::NAME
            | Type::CHAR
            | Type::UNKNOWN
            | Type::CSTRING => Self::Text,
            Type::BYTEA => Self::Bytes,
            Type::UUID => Self::Uuid,
            Type::DATE => Self::Date,
            Type::TIME => Self::Time,
            Type::TIMETZ => Self::TimeTz,
            Type::TIMESTAMP => Self::Timestamp,
            Type::TIMESTAMPTZ => Self::TimestampTz,
            Type::INTERVAL => Self::Interval,
            Type::JSON => Self::Json,
            Type::JSONB => Self::Jsonb,
            Type::XML | Type::VOID | Type::REFCURSOR => Self::Label,
            Type::REGCLASS
            | Type::REGTYPE
            | Type::REGPROC
            | Type::REGPROCEDURE
            | Type::REGOPER
            | Type::REGOPERATOR
            | Type::REGNAMESPACE
            | Type::REGROLE
            | Type::REGCONFIG
            | Type::REGDICTIONARY
            | Type::XID
            | Type::CID => Self::Number32,
            Type::XID8 => Self::Number64,
            Type::MACADDR | Type::MACADDR8 => Self::Hardware,
            Type::PG_LSN => Self::LogPlace,
            Type::JSONPATH => Self::VersionedLabel,
            Type::INET | Type::CIDR => Self::Network,
            Type::BIT | Type::VARBIT => Self::Bits,
            _ => Self::Opaque,
        }
    }

    /// How a type of an extension is read, whose OID differs from database to database.
    pub(in crate::database) fn of_extension(name: &str) -> Self {
        match name {
            "citext" => Self::Text,
            "vector" => Self::Vector,
            "ltree" | "lquery" | "ltxtquery" => Self::VersionedLabel,
            _ => Self::Opaque,
        }
    }
}

impl Shape {
    /// What cannot be read any further.
    pub(in crate::database) const OPAQUE: Self = Self {
        scalar: Scalar::Opaque,
        is_array: false,
    };

    /// The name and the shape of a type that has the same OID everywhere.
    pub(in crate::database) fn of_builtin(oid: Oid) -> Option<(String, Self)> {
        let known = Type::from_oid(oid)?;
        let (is_array, element) = if let Kind::Array(element) = known.kind() {
            (true, element)
        } else {
            (false, &known)
        };
        // Two types that are arrays of numbers have names of their own.
        let name = if is_array && known.name().starts_with('_') {
            format!("{}[]", element.name())
        } else {
            known.name().to_owned()
        };
        let scalar = Scalar::of(element);
        Some((name, Self { scalar, is_array }))
    }
}

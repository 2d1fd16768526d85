use super::{Address, ChannelBinding, ConnectOptions, Host, Password, RootCertificates, SslMode};

fn parse(url: &str) -> ConnectOptions {
    ConnectOptions::from_url(url).unwrap_or_else(|error| unreachable!("{url}: {error}"))
}

fn refusal(url: &str) -> String {
    match ConnectOptions::from_url(url) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn an_empty_url_has_every_default() {
    let whole = "postgresql://root@localhost:26257/defaultdb?min_connections=2&max_connections=10";
    for scheme in ["postgresql", "postgres", "cockroachdb"] {
        assert_eq!(parse(&format!("{scheme}://")), parse(whole));
    }
    let options = parse("postgresql://");
    assert!(!options.has_password());
    assert_eq!(options.application_name(), "chitin");
}

#[test]
fn login_and_database_are_decoded_once() {
    for (url, user, password, database) in [
        ("postgres://me@h/d", "me", None, "d"),
        ("postgres://me:@h/d", "me", None, "d"),
        (
            "postgres://me:s%3A%40%2F%3F%23%25@h/d",
            "me",
            Some("s:@/?#%"),
            "d",
        ),
        ("postgres://me:%2525@h", "me", Some("%25"), "defaultdb"),
        ("postgres://me:a:b@h/", "me", Some("a:b"), "defaultdb"),
        ("postgres://me:p@ss@h/d", "me", Some("p@ss"), "d"),
        (
            "postgres://m%C3%BC%40x@h/my%20data",
            "mü@x",
            None,
            "my data",
        ),
        (
            "postgres://h/d?user=me&password=a%26b+c&dbname=other",
            "me",
            Some("a&b+c"),
            "other",
        ),
    ] {
        let options = parse(url);
        assert_eq!(
            (options.user(), options.database()),
            (user, database),
            "{url}"
        );
        let seen = options.password.as_ref().map(Password::reveal);
        assert_eq!(seen, password, "{url}");
    }
}

#[test]
fn hosts_are_names_addresses_or_directories() {
    for (url, expected) in [
        ("postgres://db.example", "db.example:26257"),
        ("postgres://a:1,b:2/d", "a:1 b:2"),
        ("postgres://a,b:2,c/d", "a:26257 b:2 c:26257"),
        ("postgres://a,b/d?port=5", "a:5 b:5"),
        ("postgres:///d?host=a,b&port=1,2", "a:1 b:2"),
        ("postgres:///d?host=a,&port=,2", "a:26257 localhost:2"),
        ("postgres://[::1]:5/d", "[::1]:5"),
        ("postgres://[::1],[fe80::1]:7/d", "[::1]:26257 [fe80::1]:7"),
        ("postgres://%2Frun%2Fpg:5432/d", "/run/pg/.s.PGSQL.5432"),
        ("postgres:///d?host=/run/pg&port=1", "/run/pg/.s.PGSQL.1"),
        ("postgres://me@:77/d", "localhost:77"),
    ] {
        let options = parse(url);
        let addresses: Vec<_> = options.addresses().iter().map(Address::to_string).collect();
        assert_eq!(addresses.join(" "), expected, "{url}");
    }
    let socket = parse("postgres://%2Frun");
    assert_eq!(socket.addresses()[0].host, Host::Unix("/run".into()));
}

#[test]
fn tls_is_verified_unless_nobody_can_be_in_between() {
    use SslMode::{Disable, Require, VerifyCa, VerifyFull};
    for (url, expected) in [
        ("postgres://db.example", vec![VerifyFull]),
        ("postgres://10.0.0.7", vec![VerifyFull]),
        ("postgres://localhost.evil.example", vec![VerifyFull]),
        ("postgres://localhost,127.0.0.9,[::1]", vec![Disable; 3]),
        ("postgres://localhost,db.example", vec![Disable, VerifyFull]),
        ("postgres://%2Frun", vec![Disable]),
        ("postgres://localhost?sslmode=verify-ca", vec![VerifyCa]),
        ("postgres://localhost?sslrootcert=ca.crt", vec![VerifyFull]),
        ("postgres://localhost?sslrootcert=system", vec![VerifyFull]),
        (
            "postgres://localhost?channel_binding=require",
            vec![VerifyFull],
        ),
        ("postgres://localhost?sslcert=c&sslkey=k", vec![VerifyFull]),
        ("postgres://db.example?sslmode=require", vec![Require]),
        ("postgres://db.example?sslmode=disable", vec![Disable]),
    ] {
        let options = parse(url);
        let modes: Vec<_> = options
            .addresses()
            .iter()
            .map(|address| options.ssl_mode(address))
            .collect();
        assert_eq!(modes, expected, "{url}");
    }
}

#[test]
fn every_parameter_is_kept() {
    let options = parse(
        "postgres://h?sslmode=verify-full&sslrootcert=%2Fca&sslcert=c&sslkey=k&sslsni=0\
         &channel_binding=require&ssl_min_protocol_version=TLSv1.3\
         &application_name=app&fallback_application_name=x&options=-c%20statement_timeout%3D9\
         &min_connections=1&max_connections=4&acquire_timeout=6&max_lifetime=7\
         &connect_timeout=3&keepalives=0&keepalives_idle=8&keepalives_interval=9\
         &keepalives_count=10&tcp_user_timeout=11&load_balance_hosts=random\
         &client_encoding=UTF8&gssencmode=disable&target_session_attrs=any",
    );
    let tls = &options.tls;
    assert_eq!(tls.roots, RootCertificates::File("/ca".into()));
    let client = tls.client.as_ref().expect("a certificate");
    assert_eq!(client.certificate.to_str(), Some("c"));
    assert_eq!(client.key.to_str(), Some("k"));
    assert!(tls.hide_server_name && tls.only_tls13);
    assert_eq!(tls.channel_binding, ChannelBinding::Require);

    assert_eq!(options.application_name(), "app");
    assert_eq!(options.session.as_deref(), Some("-c statement_timeout=9"));

    let pool = options.pool();
    assert_eq!((pool.min_connections, pool.max_connections), (1, 4));
    assert_eq!(pool.acquire_timeout.as_secs(), 6);
    assert_eq!(pool.max_lifetime.as_secs(), 7);

    let network = &options.network;
    assert!(network.balance && !network.keepalives);
    assert_eq!(network.connect_timeout.as_secs(), 3);
    assert_eq!(network.keepalives_idle.as_secs(), 8);
    let interval = network.keepalives_interval.expect("an interval");
    assert_eq!(interval.as_secs(), 9);
    assert_eq!(network.keepalives_count, Some(10));
    assert_eq!(network.tcp_user_timeout.as_millis(), 11);
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is a table")]
fn what_cannot_be_is_refused_with_a_sentence() {
    for (url, sentence) in [
        ("mysql://h", "a database URL begins with `postgresql://`"),
        ("postgres:/h", "a database URL begins with"),
        ("postgres://h?sslmode=prefer", "`sslmode=prefer` is refused"),
        ("postgres://h?sslmode=allow", "`sslmode=allow` is refused"),
        ("postgres://h?sslmode=on", "`sslmode` is one of"),
        (
            "postgres://h?channel_binding=yes",
            "`channel_binding` is one of",
        ),
        ("postgres://h?sslcert=c", "`sslcert` needs `sslkey`"),
        ("postgres://h?sslkey=k", "`sslkey` needs `sslcert`"),
        (
            "postgres://%2Frun?sslmode=require",
            "there is no TLS on a unix socket",
        ),
        (
            "postgres://h?sslmode=disable&channel_binding=require",
            "`channel_binding=require` needs TLS",
        ),
        (
            "postgres://h?sslmode=require&sslrootcert=system",
            "`sslrootcert=system` needs",
        ),
        ("postgres://h?service=x", "`service` is refused: "),
        ("postgres://h?sslcrl=x", "`sslcrl` is refused: "),
        (
            "postgres://h?target_session_attrs=primary",
            "this value of `target_session_attrs` is refused",
        ),
        (
            "postgres://h?options=-c%20work_mem%3D1MB%20-c%20TimeZone%3DAsia%2FTokyo",
            "`options` cannot set `timezone`: the host settles it",
        ),
        (
            "postgres://h?options=--extra-float-digits%3D3",
            "`options` cannot set `extra_float_digits`",
        ),
        (
            "postgres://h?colour=red",
            "`colour` is no connection parameter",
        ),
        (
            "postgres://h?colour",
            "a parameter in the database URL has no value",
        ),
        (
            "postgres://h?min_connections=5&max_connections=4",
            "`min_connections` (5) is more than",
        ),
        (
            "postgres://h?max_connections=0&min_connections=0",
            "`max_connections` is at least 1",
        ),
        (
            "postgres://h?max_connections=many",
            "`max_connections` is a whole number",
        ),
        (
            "postgres://h?connect_timeout=0",
            "`connect_timeout` is at least 1 second",
        ),
        ("postgres://h:0", "`port` is a number from 1 to 65535"),
        (
            "postgres://h:70000",
            "the port in the database URL is no number",
        ),
        ("postgres://a,b?port=1,2,3", "there are 2 hosts and 3 ports"),
        (
            "postgres://h/d%zz",
            "the database in the database URL has a `%`",
        ),
        (
            "postgres://h/d%",
            "the database in the database URL has a `%`",
        ),
        (
            "postgres://h/%ff",
            "the database in the database URL is no UTF-8",
        ),
        (
            "postgres://h/a%00b",
            "a connection parameter holds a zero byte",
        ),
    ] {
        let said = refusal(url);
        assert!(said.starts_with(sentence), "{url}: {said}");
    }
}

#[test]
fn no_refusal_shows_a_password_or_a_piece_of_one() {
    for url in [
        "postgres://me:hunter2@h?sslmode=prefer",
        "postgres://me:hunter2@h:x/d",
        "postgres://me:hunter2/x@h/d",
        "postgres://me:hunter2?x@h/d",
        "postgres://me:hunter2?x=hunter2@h/d",
        "postgres://me:hunter2#x@h/d",
        "postgres://me:hunter2%@h/d",
        "postgres://me:hunter2:1/d",
        "postgres://me:hunter2",
        "postgres://h?password=hunter2%00",
        "postgres://h?password=hunter2&password",
        "postgres://h?hunter2!=1",
        "hunter2://h",
    ] {
        let said = refusal(url);
        assert_ne!(said, "accepted", "{url}");
        assert!(!said.contains("hunter2"), "{url}: {said}");
    }
}

#[test]
fn debug_output_shows_no_password() {
    let shown = format!("{:?}", parse("postgres://me:hunter2@h"));
    assert!(!shown.contains("hunter2"), "{shown}");
}

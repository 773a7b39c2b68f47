use proptest::prelude::*;

use super::*;

fn spec() -> impl Strategy<Value = ProcessSpec> {
    let text = || proptest::collection::vec(any::<u8>(), 0..20).prop_map(OsString::from_vec);
    let args = proptest::collection::vec(text(), 0..4);
    let env = proptest::collection::vec((text(), text()), 0..4);
    (text(), args, env, text()).prop_map(|(program, args, env, cwd)| ProcessSpec {
        program,
        args,
        env,
        cwd: cwd.into(),
    })
}

fn fields(spec: ProcessSpec) -> (OsString, Vec<OsString>, Vec<(OsString, OsString)>, OsString) {
    (spec.program, spec.args, spec.env, spec.cwd.into())
}

proptest! {
    #[test]
    fn every_spec_arrives_as_it_was_sent_however_the_bytes_are_cut(spec in spec(), cut in any::<prop::sample::Index>()) {
        let frame = encode(&Request::Start(spec.clone().into()), MAX_REQUEST).unwrap();
        let cut = cut.index(frame.len());
        let mut buffer = frame[..cut].to_vec();
        prop_assert!(decode::<Request>(&mut buffer, MAX_REQUEST).unwrap().is_none());
        buffer.extend(&frame[cut..]);
        let Some(Request::Start(start)) = decode(&mut buffer, MAX_REQUEST).unwrap() else {
            panic!("another message");
        };
        prop_assert_eq!(fields(start.into()), fields(spec));
        prop_assert!(buffer.is_empty());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        let _ = decode::<Request>(&mut bytes, MAX_REQUEST);
        let mut framed = [b"amb\x01".as_slice(), &bytes].concat();
        let _ = decode::<Request>(&mut framed, MAX_REQUEST);
    }
}

#[test]
fn two_messages_in_one_read_come_one_after_the_other() {
    let mut buffer = encode(&Reply::Started { pid: 7 }, MAX_REPLY).unwrap();
    buffer.extend(encode(&Reply::Exited(Exit { code: Some(1), ..Exit::default() }), MAX_REPLY).unwrap());
    let mut next = || decode::<Reply>(&mut buffer, MAX_REPLY).unwrap();
    assert!(matches!(next(), Some(Reply::Started { pid: 7 })));
    assert!(matches!(next(), Some(Reply::Exited(Exit { code: Some(1), .. }))));
    assert!(next().is_none());
}

#[test]
fn a_frame_on_the_wire_looks_like_this() {
    let frame = encode(&Request::Signal(Signal::Interrupt), MAX_REQUEST).unwrap();
    assert_eq!(frame, b"amb\x01\x00\x00\x00\x16{\"signal\":\"interrupt\"}");
}

#[test]
fn garbage_is_told_by_its_first_byte_and_another_version_by_name() {
    let wrong = |bytes: &[u8]| decode::<Request>(&mut bytes.to_vec(), 100).err();
    assert_eq!(wrong(b"G"), Some(WireError::Foreign));
    assert_eq!(wrong(b"amb\x09\0\0\0\0"), Some(WireError::Version(9)));
    assert_eq!(wrong(b"amb\x01\0\0\x01\0"), Some(WireError::TooLong { length: 256, limit: 100 }));
    assert!(matches!(wrong(b"amb\x01\0\0\0\x02[]"), Some(WireError::Json { .. })));
}

#[test]
fn a_message_longer_than_the_limit_is_not_sent() {
    let reply = Reply::Lost { reason: "x".repeat(100) };
    assert!(matches!(encode(&reply, 50), Err(WireError::TooLong { limit: 50, .. })));
}

#[test]
fn no_error_quotes_a_message() {
    let mut buffer = b"amb\x01\0\0\0\x0f{\"start\":\"hush\"".to_vec();
    let error = decode::<Request>(&mut buffer, 100).err().unwrap();
    assert!(!format!("{error} {error:?}").contains("hush"));
}

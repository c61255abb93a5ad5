//! Chains with one flaw each. Go was seen to agree on tens of thousands of random chains when this was
//! written.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};

use super::*;

/// 2027-01-15
const NOW: u64 = 1_800_000_000;

fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let length: &[u8] = match content.len() {
        0..0x80 => &length[1..],
        0x80..0x100 => &[0x81, length[1]],
        _ => &[0x82, length[0], length[1]],
    };
    [&[tag], length, &content].concat()
}

fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    value(0x30, parts)
}

const CONSTRAINTS: &[u8] = &[0x55, 0x1d, 19];
const USAGE: &[u8] = &[0x55, 0x1d, 15];
const PURPOSES: &[u8] = &[0x55, 0x1d, 37];
const NAMES: &[u8] = &[0x55, 0x1d, 17];
const NAME_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 30];
const KEY_ID: &[u8] = &[0x55, 0x1d, 14];
const POLICY_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 36];
const UNHEARD_OF: &[u8] = &[0x2a, 3, 4];

const CA: &[u8] = &[0x30, 3, 1, 1, 0xff];
const NO_CA: &[u8] = &[0x30, 0];
const CLIENT: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2];
const SERVER: &[u8] = &[6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1];
const ANY: &[u8] = &[6, 4, 0x55, 0x1d, 37, 0];

/// The content of a certificate to be made.
#[derive(Clone)]
struct Plan {
    version: u8,
    serial: u8,
    /// The tag of the string type of names.
    text: u8,
    subject: &'static str,
    issuer: &'static str,
    times: [&'static str; 2],
    algorithm: &'static [u8],
    extensions: Vec<(&'static [u8], bool, Vec<u8>)>,
}

impl Plan {
    fn new(subject: &'static str, issuer: &'static str, constraints: &[u8]) -> Self {
        Self {
            version: 3,
            serial: 7,
            text: 0x0c,
            subject,
            issuer,
            times: ["260101000000Z", "490101000000Z"],
            algorithm: &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2],
            extensions: vec![(CONSTRAINTS, true, constraints.to_vec())],
        }
    }

    fn with(mut self, id: &'static [u8], is_critical: bool, content: &[u8]) -> Self {
        self.extensions.retain(|(known, ..)| *known != id);
        self.extensions.push((id, is_critical, content.to_vec()));
        self
    }

    fn without(mut self, id: &'static [u8]) -> Self {
        self.extensions.retain(|(known, ..)| *known != id);
        self
    }

    fn change(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn make(&self, key: &Key, by: &Key) -> Vec<u8> {
        let name = |name: &str| {
            let attribute = sequence(&[&[6, 3, 0x55, 4, 3], &value(self.text, &[name.as_bytes()])]);
            sequence(&[&value(0x31, &[&attribute])])
        };
        let extensions = self.extensions.iter().map(|(id, is_critical, content)| {
            let critical: &[u8] = if *is_critical { &[1, 1, 0xff] } else { &[] };
            sequence(&[&value(6, &[id]), critical, &value(4, &[content])])
        });
        let extensions = value(
            0xa3,
            &[&sequence(&[&extensions.collect::<Vec<_>>().concat()])],
        );
        let [version, extensions] = match self.version {
            1 => [vec![], vec![]],
            2 => [vec![0xa0, 3, 2, 1, 1], vec![]],
            _ => [vec![0xa0, 3, 2, 1, 2], extensions],
        };
        let times = self.times.map(|time| value(0x17, &[time.as_bytes()]));
        let algorithm = sequence(&[&value(6, &[self.algorithm])]);
        let signed = sequence(&[
            &version,
            &[2, 1, self.serial],
            &algorithm,
            &name(self.issuer),
            &sequence(&[&times[0], &times[1]]),
            &name(self.subject),
            &key.public(),
            &extensions,
        ]);
        let signature = by.0.sign(&SystemRandom::new(), &signed).unwrap();
        sequence(&[&signed, &algorithm, &value(3, &[&[0], signature.as_ref()])])
    }

    fn read(&self, key: &Key, by: &Key) -> Certificate {
        Certificate::read(&self.make(key, by)).unwrap()
    }
}

struct Key(EcdsaKeyPair);

impl Key {
    fn make() -> Self {
        let (random, kind) = (SystemRandom::new(), &ECDSA_P256_SHA256_ASN1_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(kind, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(kind, pkcs8.as_ref(), &random).unwrap())
    }

    fn public(&self) -> Vec<u8> {
        let kind = sequence(&[
            &[6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1],
            &[6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7],
        ]);
        sequence(&[&kind, &value(3, &[&[0], self.0.public_key().as_ref()])])
    }
}

fn algorithms() -> WebPkiSupportedAlgorithms {
    rustls::crypto::ring::default_provider().signature_verification_algorithms
}

fn now() -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(NOW))
}

fn dns(name: &str) -> Vec<u8> {
    value(0x82, &[name.as_bytes()])
}

/// A root, an intermediate authority and a client.
#[derive(Clone)]
struct Chain {
    root: Plan,
    between: Plan,
    client: Plan,
}

impl Chain {
    fn new() -> Self {
        let names = sequence(&[&dns("prometheus.test")]);
        Self {
            root: Plan::new("root", "root", CA),
            between: Plan::new("between", "root", CA),
            client: Plan::new("client", "between", NO_CA).with(NAMES, false, &names),
        }
    }

    fn root(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.root = change(self.root);
        self
    }

    fn between(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.between = change(self.between);
        self
    }

    fn client(mut self, change: impl FnOnce(Plan) -> Plan) -> Self {
        self.client = change(self.client);
        self
    }

    fn verdict(&self) -> Result<(), Refusal> {
        let [root, between, client] = [Key::make(), Key::make(), Key::make()];
        let authorities = Authorities::new(vec![self.root.read(&root, &root)], algorithms());
        let shown = self.client.read(&client, &between);
        let on_the_way = [self.between.read(&between, &root)];
        authorities.verify(&shown, &on_the_way, Purpose::Client, now())
    }
}

#[track_caller]
fn refused(chain: &Chain, refusal: Refusal) {
    assert_eq!(chain.verdict(), Err(refusal));
}

/// The rules for all certificates of a chain.
#[test]
fn each_certificate_of_a_chain_is_checked() {
    assert_eq!(Chain::new().verdict(), Ok(()));
    let purposes = |purposes: &[&[u8]]| sequence(purposes);
    let flaws: [(&dyn Fn(Plan) -> Plan, Flaw); 5] = [
        (
            &|plan| plan.change(|plan| plan.times[1] = "270101000000Z"),
            Flaw::Expired,
        ),
        (
            &|plan| plan.change(|plan| plan.times[0] = "280101000000Z"),
            Flaw::NotYetValid,
        ),
        (
            &|plan| plan.with(UNHEARD_OF, true, b"?"),
            Flaw::UnknownExtension,
        ),
        (
            &|plan| plan.with(PURPOSES, false, &purposes(&[SERVER])),
            Flaw::Purpose,
        ),
        (
            &|plan| plan.with(PURPOSES, true, &purposes(&[&[6, 2, 0x2a, 3]])),
            Flaw::Purpose,
        ),
    ];
    for (spoil, flaw) in flaws {
        refused(&Chain::new().client(spoil), Refusal::Itself(flaw));
        refused(&Chain::new().between(spoil), Refusal::Authority(flaw));
        refused(&Chain::new().root(spoil), Refusal::Authority(flaw));
    }
    let allowed: [&dyn Fn(Plan) -> Plan; 4] = [
        &|plan| plan.with(UNHEARD_OF, false, b"?"),
        &|plan| plan.with(PURPOSES, true, &purposes(&[CLIENT])),
        &|plan| plan.with(PURPOSES, true, &purposes(&[SERVER, ANY])),
        &|plan| plan.with(PURPOSES, true, &purposes(&[SERVER, CLIENT])),
    ];
    for well in allowed {
        let chain = Chain::new().client(well).between(well).root(well);
        assert_eq!(chain.verdict(), Ok(()));
    }
}

#[test]
fn only_an_authority_may_sign_certificates() {
    let flaws: [(&dyn Fn(Plan) -> Plan, Flaw); 4] = [
        (
            &|plan| plan.with(CONSTRAINTS, true, NO_CA),
            Flaw::NoAuthority,
        ),
        (&|plan| plan.without(CONSTRAINTS), Flaw::NoAuthority),
        // digitalSignature, cRLSign
        (
            &|plan| plan.with(USAGE, true, &[3, 2, 7, 0x80]),
            Flaw::NoSigner,
        ),
        (
            &|plan| plan.with(USAGE, false, &[3, 2, 1, 2]),
            Flaw::NoSigner,
        ),
    ];
    for (spoil, flaw) in flaws {
        refused(&Chain::new().between(spoil), Refusal::Authority(flaw));
        refused(&Chain::new().root(spoil), Refusal::Authority(flaw));
        assert_eq!(Chain::new().client(spoil).verdict(), Ok(()));
    }
    // keyCertSign; and no use at all, which is none that is named.
    for usage in [&[3, 2, 2, 4][..], &[3, 1, 0]] {
        let well = |plan: Plan| plan.with(USAGE, true, usage);
        assert_eq!(Chain::new().between(well).root(well).verdict(), Ok(()));
    }
}

#[test]
fn a_path_is_no_longer_than_an_authority_allows() {
    let longest = |count| sequence(&[&[1, 1, 0xff, 2, 1, count]]);
    let at_most = |count| move |plan: Plan| plan.with(CONSTRAINTS, true, &longest(count));
    refused(
        &Chain::new().root(at_most(0)),
        Refusal::Authority(Flaw::PathLength),
    );
    assert_eq!(
        Chain::new().root(at_most(1)).between(at_most(0)).verdict(),
        Ok(())
    );
    // That it is the root's own name below it changes nothing.
    let mut chain = Chain::new()
        .root(at_most(0))
        .between(|plan| plan.change(|plan| plan.subject = "root"));
    chain.client.issuer = "root";
    refused(&chain, Refusal::Authority(Flaw::PathLength));
}

#[test]
fn version_1_is_accepted_from_clients_and_as_a_root_only() {
    for version in [1, 2] {
        let old = |plan: Plan| plan.change(|plan| plan.version = version);
        assert_eq!(Chain::new().client(old).root(old).verdict(), Ok(()));
        refused(
            &Chain::new().between(old),
            Refusal::Authority(Flaw::NoAuthority),
        );
    }
}

#[test]
fn an_authoritys_certificate_is_accepted_from_a_client() {
    let authority = |plan: Plan| plan.with(CONSTRAINTS, true, CA);
    assert_eq!(Chain::new().client(authority).verdict(), Ok(()));
}

#[test]
fn a_configured_certificate_is_trusted_itself() {
    let [key, other] = [Key::make(), Key::make()];
    let verdict = |known: &Plan, shown: Option<(&Plan, &Key)>| {
        let known = known.make(&key, &key);
        let shown = shown.map_or(known.clone(), |(shown, by)| shown.make(&other, by));
        let [known, shown] = [known, shown].map(|der| Certificate::read(&der).unwrap());
        let authorities = Authorities::new(vec![known], algorithms());
        authorities.verify(&shown, &[], Purpose::Client, now())
    };
    for constraints in [CA, NO_CA] {
        let plan = Plan::new("own", "own", constraints);
        assert_eq!(verdict(&plan, None), Ok(()));
        let plan = plan.change(|plan| plan.times[1] = "270101000000Z");
        assert_eq!(verdict(&plan, None), Err(Refusal::Itself(Flaw::Expired)));
        let plan = plan.change(|plan| plan.times[1] = "490101000000Z");
        let plan = plan.with(PURPOSES, false, &sequence(&[SERVER]));
        assert_eq!(verdict(&plan, None), Err(Refusal::Itself(Flaw::Purpose)));
    }
    let plan = Plan::new("own", "own", NO_CA);
    let below = Plan::new("below", "own", NO_CA);
    assert_eq!(
        verdict(&plan, Some((&below, &key))),
        Err(Refusal::Authority(Flaw::NoAuthority))
    );
    // The same names are not the same certificate.
    assert_eq!(verdict(&plan, Some((&plan, &other))), Err(Refusal::Unknown));
    assert_eq!(
        verdict(&plan, Some((&below, &other))),
        Err(Refusal::Unknown)
    );
}

#[test]
fn a_signature_must_be_the_issuers_and_strong() {
    // ecdsa-with-SHA1
    let weak =
        |plan: Plan| plan.change(|plan| plan.algorithm = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 1]);
    refused(&Chain::new().client(weak), Refusal::Itself(Flaw::Signature));
    refused(
        &Chain::new().between(weak),
        Refusal::Authority(Flaw::Signature),
    );
    // A root's own signature says nothing.
    assert_eq!(Chain::new().root(weak).verdict(), Ok(()));
    let chain = Chain::new();
    let [root, between, client] = [Key::make(), Key::make(), Key::make()];
    let authorities = Authorities::new(vec![chain.root.read(&root, &root)], algorithms());
    let shown = chain.client.read(&client, &between);
    for (by, expected) in [(&root, Ok(())), (&client, Err(Refusal::Unknown))] {
        let on_the_way = [chain.between.read(&between, by)];
        assert_eq!(
            authorities.verify(&shown, &on_the_way, Purpose::Client, now()),
            expected
        );
    }
    assert_eq!(
        authorities.verify(&shown, &[], Purpose::Client, now()),
        Err(Refusal::Unknown)
    );
}

#[test]
fn a_flawed_authority_does_not_hide_a_good_one_of_the_same_name() {
    let [key, client] = [Key::make(), Key::make()];
    let root = Plan::new("root", "root", CA);
    let shown = Plan::new("client", "root", NO_CA).read(&client, &key);
    let expired = root.clone().change(|plan| plan.times[1] = "270101000000Z");
    let roots = vec![
        expired.read(&key, &key),
        root.read(&client, &client),
        root.read(&key, &key),
    ];
    let authorities = Authorities::new(roots, algorithms());
    assert_eq!(
        authorities.verify(&shown, &[], Purpose::Client, now()),
        Ok(())
    );
}

#[test]
fn certificates_that_sign_each_other_do_not_loop() {
    let keys: Vec<_> = (0..30).map(|_| Key::make()).collect();
    let plan = Plan::new("ring", "ring", CA);
    let ring: Vec<_> = keys
        .iter()
        .flat_map(|key| keys.iter().map(|by| plan.read(key, by)))
        .collect();
    let root = Plan::new("root", "root", CA).read(&keys[0], &keys[0]);
    let authorities = Authorities::new(vec![root], algorithms());
    let shown = Plan::new("client", "ring", NO_CA).read(&keys[0], &keys[1]);
    assert_eq!(
        authorities.verify(&shown, &ring, Purpose::Client, now()),
        Err(Refusal::Unknown)
    );
}

#[test]
fn name_constraints_are_applied() {
    let permitted = |names: &[Vec<u8>]| sequence(&[&value(0xa0, &[&subtrees(names)])]);
    let excluded = |names: &[Vec<u8>]| sequence(&[&value(0xa1, &[&subtrees(names)])]);
    let email = |name: &str| value(0x81, &[name.as_bytes()]);
    let uri = |name: &str| value(0x86, &[name.as_bytes()]);
    let ip = |octets: &[u8]| value(0x87, &[octets]);
    let network = || ip(&[10, 0, 0, 0, 255, 255, 0, 0]);
    for (constraints, name, is_allowed) in [
        (permitted(&[dns("a.test")]), dns("a.test"), true),
        (permitted(&[dns("a.test")]), dns("A.TEST"), true),
        (permitted(&[dns("a.test")]), dns("b.a.test"), true),
        (permitted(&[dns("a.test")]), dns("ba.test"), false),
        (permitted(&[dns("a.test")]), dns("test"), false),
        (permitted(&[dns(".a.test")]), dns("b.a.test"), true),
        (permitted(&[dns(".a.test")]), dns("a.test"), false),
        (permitted(&[dns("")]), dns("b.test"), true),
        (permitted(&[dns("a.test")]), dns("a.test."), false),
        (permitted(&[dns("a.test")]), email("x@b.test"), true),
        (excluded(&[dns("a.test")]), dns("b.a.test"), false),
        (excluded(&[dns("a.test")]), dns("c.test"), true),
        (excluded(&[dns("b.a.test")]), dns("*.a.test"), false),
        (excluded(&[dns("c.b.a.test")]), dns("*.a.test"), true),
        (permitted(&[email("x@a.test")]), email("x@A.test"), true),
        (permitted(&[email("x@a.test")]), email("X@a.test"), false),
        (permitted(&[email("a.test")]), email("y@a.test"), true),
        (permitted(&[email(".a.test")]), email("y@a.test"), false),
        (excluded(&[email("a.test")]), email("y@b.a.test"), false),
        (permitted(&[dns("a.test")]), email("no mailbox"), false),
        (permitted(&[uri("a.test")]), uri("spiffe://a.test/x"), true),
        (
            permitted(&[uri("a.test")]),
            uri("https://u@b.a.test:8443/x"),
            true,
        ),
        (permitted(&[uri("a.test")]), uri("spiffe://b.test/x"), false),
        (
            permitted(&[dns("a.test")]),
            uri("spiffe://10.0.0.1/x"),
            false,
        ),
        (permitted(&[dns("a.test")]), uri("urn:x:y"), false),
        (excluded(&[uri("a.test")]), uri("spiffe://A.test/x"), false),
        (permitted(&[network()]), ip(&[10, 0, 9, 9]), true),
        (permitted(&[network()]), ip(&[10, 1, 0, 0]), false),
        (permitted(&[network()]), ip(&[0x20; 16]), false),
        (excluded(&[network()]), ip(&[10, 0, 9, 9]), false),
        (excluded(&[network()]), ip(&[10, 1, 0, 0]), true),
    ] {
        let chain = Chain::new().client(|plan| plan.with(NAMES, false, &sequence(&[&name])));
        let constrained = |plan: Plan| plan.with(NAME_CONSTRAINTS, true, &constraints);
        let expected = match is_allowed {
            true => Ok(()),
            false => Err(Refusal::Authority(Flaw::NameConstraints)),
        };
        let shown = String::from_utf8_lossy(&name);
        assert_eq!(
            chain.clone().root(constrained).verdict(),
            expected,
            "{shown}"
        );
        assert_eq!(chain.between(constrained).verdict(), expected, "{shown}");
    }
    // Another kind is not understood, which matters only where it is critical.
    let directory = permitted(&[value(0xa4, &[&sequence(&[])])]);
    for (is_critical, expected) in [
        (true, Err(Refusal::Authority(Flaw::UnknownExtension))),
        (false, Ok(())),
    ] {
        let constrained = |plan: Plan| plan.with(NAME_CONSTRAINTS, is_critical, &directory);
        assert_eq!(Chain::new().root(constrained).verdict(), expected);
    }
}

fn subtrees(names: &[Vec<u8>]) -> Vec<u8> {
    names.iter().flat_map(|name| sequence(&[name])).collect()
}

#[test]
fn required_policies_are_refused() {
    let explicit = sequence(&[&[0x80, 1, 0]]);
    let asks = |plan: Plan| plan.with(POLICY_CONSTRAINTS, true, &explicit);
    refused(&Chain::new().client(asks), Refusal::Itself(Flaw::Policies));
    refused(
        &Chain::new().between(asks),
        Refusal::Authority(Flaw::Policies),
    );
    assert_eq!(Chain::new().root(asks).verdict(), Ok(()));
}

#[test]
fn all_four_types_of_names_are_parsed() {
    let names = [
        dns("prometheus.test"),
        value(0x81, &[b"a@b.test"]),
        value(0x86, &[b"spiffe://a/b"]),
        value(0x87, &[&[127, 0, 0, 1]]),
        value(0x87, &[&std::net::Ipv6Addr::LOCALHOST.octets()]),
        value(0x88, &[&[0x2a, 3]]),
    ];
    let names = sequence(&[&names.concat()]);
    let key = Key::make();
    let certificate = Plan::new("a", "a", NO_CA)
        .with(NAMES, false, &names)
        .read(&key, &key);
    let expected = [
        "prometheus.test",
        "a@b.test",
        "127.0.0.1",
        "::1",
        "spiffe://a/b",
    ];
    assert_eq!(certificate.alt_names(), expected);
}

#[test]
fn a_certificate_that_go_does_not_parse_is_refused() {
    let key = Key::make();
    let plan = || Plan::new("a_a", "a_a", CA);
    let names = |name: Vec<u8>| plan().with(NAMES, false, &sequence(&[&name]));
    let mapped = std::net::Ipv4Addr::LOCALHOST.to_ipv6_mapped().octets();
    let twice = |plan: Plan| plan.change(|plan| plan.extensions.extend(plan.extensions.clone()));
    assert!(Certificate::read(&plan().change(|plan| plan.text = 0x16).make(&key, &key)).is_ok());
    for odd in [
        plan().change(|plan| plan.serial = 0x80),
        plan().with(CONSTRAINTS, true, b"?"),
        plan().with(USAGE, true, b"?"),
        plan().with(USAGE, true, &[3, 2, 7, 0x81]),
        plan().change(|plan| plan.text = 0x13),
        plan().with(PURPOSES, true, b"?"),
        plan().with(KEY_ID, true, &[4, 1, 7]),
        plan().with(NAME_CONSTRAINTS, true, &sequence(&[])),
        names(value(0x82, &["ü".as_bytes()])),
        names(value(0x86, &[b"http://a..b/"])),
        names(value(0x87, &[b"odd"])),
        names(value(0x87, &[&mapped])),
        twice(plan()),
    ] {
        assert!(Certificate::read(&odd.make(&key, &key)).is_err());
    }
    let well = plan().make(&key, &key);
    assert!(Certificate::read(&[&well[..], &[0]].concat()).is_err());
    for end in 0..well.len() {
        assert!(Certificate::read(&well[..end]).is_err());
    }
    for place in 0..well.len() {
        for byte in [0, 0x30, 0x80, 0x84, 0xff] {
            let mut spoilt = well.clone();
            spoilt[place] = byte;
            let _ = Certificate::read(&spoilt);
        }
    }
}

#[test]
fn configured_certificates_are_checked_in_advance() {
    let key = Key::make();
    let standing = |plan: &Plan| {
        plan.read(&key, &key)
            .standing(Purpose::Client, now(), &algorithms())
    };
    let root = || Plan::new("root", "root", CA);
    for (plan, expected) in [
        (root(), Standing::Vouches),
        (root().change(|plan| plan.version = 1), Standing::Vouches),
        (
            root().change(|plan| plan.times[0] = "280101000000Z"),
            Standing::Later,
        ),
        (
            root().change(|plan| plan.times[1] = "270101000000Z"),
            Standing::Useless(Flaw::Expired),
        ),
        (
            root().with(UNHEARD_OF, true, b"?"),
            Standing::Useless(Flaw::UnknownExtension),
        ),
        (
            root().with(PURPOSES, true, &sequence(&[SERVER])),
            Standing::Useless(Flaw::Purpose),
        ),
        (
            root().with(CONSTRAINTS, true, NO_CA),
            Standing::ForItself(Flaw::NoAuthority),
        ),
        (
            root().without(CONSTRAINTS),
            Standing::ForItself(Flaw::NoAuthority),
        ),
        (
            root().with(USAGE, true, &[3, 2, 7, 0x80]),
            Standing::ForItself(Flaw::NoSigner),
        ),
    ] {
        assert_eq!(standing(&plan), expected);
    }
}

//! Whatever a scraper says it accepts: an answer that we have, under a name that a header can hold.
//!
//! The input's first line is `Accept`, the second `Accept-Encoding`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tencent_desk_exporter::exposition::Variant;
use tencent_desk_exporter::http::negotiate::Choice;

fuzz_target!(|headers: &str| {
    let mut lines = headers.split('\n');
    let (accept, accept_encoding) = (lines.next(), lines.next());
    let choice = Choice::of(accept, accept_encoding);
    assert!(Variant::ALL.contains(&choice.variant));
    let name = choice.content_type();
    assert!(name.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
    assert_eq!(choice, Choice::of(accept, accept_encoding));

    // What an answer is called is what it gets when it is asked for by that name.
    let again = Choice::of(Some(&name), choice.variant.coding.name());
    assert_eq!((again.variant, again.content_type()), (choice.variant, name));
});

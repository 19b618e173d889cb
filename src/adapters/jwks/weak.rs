//! Keys that anyone can sign with, although they have the right form: told by their numbers alone.
//!
//! It finds what is known to be broken and can be seen from the public half. That a key passes here
//! does not say that it is strong.

/// The odd primes up to 167. Whatever their length, the keys of CVE-2017-15361 are built on the
/// product of these.
const PRIMES: [u64; 38] = [
    3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97,
    101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/// Every prime of such a key is a power of this number, modulo the product of small primes.
const GENERATOR: u64 = 65_537;

/// The x coordinate of P-256's base point (SP 800-186 §3.2.1.3).
const P256_BASE: [u8; 32] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96,
];

/// The y coordinate of a point of order 8 of edwards25519, little-endian.
const ORDER_EIGHT: [u8; 32] = [
    0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
    0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
];

/// The negative of the one above.
const ORDER_EIGHT_TOO: [u8; 32] = [
    0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
    0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
];

/// Returns what makes an RSA modulus, big-endian, one that can be factored.
pub(super) fn weak_modulus(n: &[u8]) -> Option<String> {
    if let Some(factor) = PRIMES.iter().find(|prime| remainder(n, **prime) == 0) {
        return Some(format!("its RSA modulus is divisible by {factor}"));
    }
    has_roca_structure(n).then(|| {
        "its RSA modulus was made by the library of CVE-2017-15361 (ROCA) and can be factored"
            .to_owned()
    })
}

/// Returns whether a modulus is a power of 65537 modulo every small prime, with one exponent for all
/// of them: so are all that the library made, and one in 2^154 of others (Nemec and others, "The
/// Return of Coppersmith's Attack", CCS 2017, §2.2 and §4; crocs-muni/roca `roca/detect.py`, read
/// 2026-11).
fn has_roca_structure(n: &[u8]) -> bool {
    // The exponent is known modulo the generator's order for each prime; one number fits all of
    // these exactly if every two of them agree modulo what their orders have in common.
    let mut known: Vec<(u64, u64)> = Vec::with_capacity(PRIMES.len());
    for prime in PRIMES {
        let Some((exponent, order)) = logarithm(remainder(n, prime), prime) else { return false };
        let agrees = |(other, of): &(u64, u64)| {
            let common = common_divisor(order, *of);
            exponent % common == other % common
        };
        if !known.iter().all(agrees) {
            return false;
        }
        known.push((exponent, order));
    }
    true
}

/// Returns the exponent that gives `value` modulo the prime, and the order of the generator there.
fn logarithm(value: u64, prime: u64) -> Option<(u64, u64)> {
    let (mut power, mut order, mut exponent) = (1, 0, None);
    loop {
        if power == value {
            exponent.get_or_insert(order);
        }
        power = power * GENERATOR % prime;
        order += 1;
        if power == 1 {
            return exponent.map(|exponent| (exponent, order));
        }
    }
}

fn common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_divisor(b, a % b) }
}

/// Returns a big-endian number modulo a small one.
fn remainder(number: &[u8], divisor: u64) -> u64 {
    number.iter().fold(0, |rest, byte| (rest * 256 + u64::from(*byte)) % divisor)
}

/// Returns what makes a point of P-256 one whose private key is known.
pub(super) fn weak_p256(x: &[u8]) -> Option<String> {
    (x == P256_BASE).then(|| "its point is the base point: its private key is 1".to_owned())
}

/// Returns what makes an Ed25519 key, as it is published, one that signatures can be made for
/// without its private half. A signature by a key of small order fits one in eight messages, or all
/// of them (Brendel and others, "The Provable Security of Ed25519", S&P 2021, §5; libsodium
/// `ge25519_has_small_order`, read 2026-11).
pub(super) fn weak_ed25519(key: &[u8]) -> Option<String> {
    let mut y = key.to_vec();
    // The top bit is the sign of x.
    if let Some(last) = y.last_mut() {
        *last &= 0x7f;
    }
    let is_small = |number: &[u8]| {
        number
            .split_first()
            .is_some_and(|(low, rest)| *low < 2 && rest.iter().all(|byte| *byte == 0))
    };
    // 2^255 - 20, which is -1, and what the prime 2^255 - 19 and numbers above it begin with.
    let ends_high = y.last() == Some(&0x7f) && y[1..31].iter().all(|byte| *byte == 0xff);
    if ends_high && y[0] >= 0xed {
        return Some("its point is not in the one form that RFC 8032 gives it".to_owned());
    }
    let is_minus_one = ends_high && y[0] == 0xec;
    if is_small(&y) || is_minus_one || y == ORDER_EIGHT || y == ORDER_EIGHT_TOO {
        return Some("its point has a small order: anyone can sign for it".to_owned());
    }
    // The base point, 4/5: its first byte is 0x58 and every other 0x66.
    let is_base = y
        .split_first()
        .is_some_and(|(low, rest)| *low == 0x58 && rest.iter().all(|byte| *byte == 0x66));
    is_base.then(|| "its point is the base point: its private key is 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A modulus that is a power of 65537 modulo each of the primes by itself, with another exponent
    /// for each (crocs-muni/roca `roca/tests/test_fingerprint.py`, the first of its fakes).
    const ALMOST: &str = "671f033425b5ae00140c5b04dbcaeada430ae348cf3bf18d6ec4621ea824c52dd2b0ac\
        85762b28a5d39ff23da73d4fcb241bf97b696e403eca234e05db9fe9ace2da265887c7b2ac7f9e7ed5bf6d919d\
        43286776cf57c07d3411e15f729fa6e563858059334d072638d9dfbfc4f32474b6c6071092f5a961a7271f3209\
        b37d9d";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<_> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
        digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
    }

    #[test]
    fn powers_of_the_generator_have_the_structure_and_what_only_looks_like_them_has_not() {
        // 65537 to the powers 0 to 40.
        let mut power = vec![1_u8];
        for exponent in 0..=40 {
            assert!(has_roca_structure(&power), "{exponent}");
            // Times 65537: shifted by two bytes, and itself added.
            let mut next = [power.as_slice(), &[0, 0]].concat();
            let mut carry = 0;
            for index in 0..next.len() {
                let at = next.len() - 1 - index;
                let own = power.len().checked_sub(index + 1).map_or(0, |at| power[at]);
                let sum = u16::from(next[at]) + u16::from(own) + carry;
                next[at] = u8::try_from(sum % 256).unwrap();
                carry = sum / 256;
            }
            assert_eq!(carry, 0);
            power = next;
        }
        assert!(!has_roca_structure(&bytes(ALMOST)), "one exponent has to fit all primes");
        for other in [2_u8, 5, 7, 255] {
            assert!(!has_roca_structure(&[other]), "{other}");
        }
    }

    #[test]
    fn a_small_factor_is_named() {
        assert!(weak_modulus(&[3 * 13]).unwrap().ends_with("divisible by 3"));
        assert!(weak_modulus(&[0x01, 0x4d]).unwrap().ends_with("divisible by 3"));
        assert!(weak_modulus(&[167]).unwrap().ends_with("divisible by 167"));
        assert_eq!(weak_modulus(&[173]), None);
    }
}

//! RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2): key, hash and signature in, whether they agree out. The library checks the
//! same; but it raises to a public exponent as carefully as to a secret one, which takes ten times as long.

use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Pkcs1v15Sign, RsaPublicKey};

/// The least padding: its two octets of type, eight of filling, and one behind them.
const LEAST_PADDING: usize = 11;

/// Did `key`, whose modulus is odd, make this signature of a hash?
pub(super) fn verify(key: &RsaPublicKey, padding: &Pkcs1v15Sign, hash: &[u8], signature: &[u8]) -> bool {
    let number = BigUint::from_bytes_be(signature);
    if signature.len() != key.size() || number >= *key.n() {
        return false;
    }
    let Some(message) = encoded(key.size(), &padding.prefix, hash) else { return false };
    let modulus = Modulus::new(key.n());
    modulus.power(&number, &key.e().to_bytes_be()) == modulus.digits(&BigUint::from_bytes_be(&message))
}

/// EMSA-PKCS1-v1_5 (section 9.2): what the signature of this hash holds, in so many octets.
fn encoded(length: usize, prefix: &[u8], hash: &[u8]) -> Option<Vec<u8>> {
    let padding = length.checked_sub(prefix.len().saturating_add(hash.len()))?;
    let filling = padding.checked_sub(LEAST_PADDING)?.saturating_add(8);
    Some([&[0, 1], vec![0xff; filling].as_slice(), &[0], prefix, hash].concat())
}

/// An odd modulus, ready for Montgomery's multiplication (Handbook of Applied Cryptography, 14.3.2): nothing is divided;
/// multiples of the modulus are added until the lower digits are zeros. Numbers are digits of 64 bits, the lowest first, with
/// two zeros above those of the modulus.
struct Modulus {
    digits: Vec<u64>,
    /// What times the lowest digit makes -1.
    inverse: u64,
    /// R², where R is one more than the highest number of as many digits.
    square: Vec<u64>,
}

impl Modulus {
    fn new(modulus: &BigUint) -> Self {
        let length = modulus.bits().div_ceil(64);
        let digits = digits(modulus, length);
        let lowest = digits.first().copied().unwrap_or_default();
        // Newton's iteration: each step doubles the bits that are right.
        let inverse = (0..6).fold(1_u64, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(lowest.wrapping_mul(inverse))));
        let square = (BigUint::from(1_u8) << length.saturating_mul(128)) % modulus;
        Self { square: self::digits(&square, length), digits, inverse: inverse.wrapping_neg() }
    }

    fn digits(&self, number: &BigUint) -> Vec<u64> {
        digits(number, self.digits.len().saturating_sub(2))
    }

    /// A power of a number below the modulus, by squaring, from the exponent's first bit on, which stands for the number itself.
    fn power(&self, base: &BigUint, exponent: &[u8]) -> Vec<u64> {
        let one = self.digits(&BigUint::from(1_u8));
        let base = self.product(&self.digits(base), &self.square);
        let bits = exponent.iter().flat_map(|octet| (0..8).rev().map(move |place| octet >> place & 1 == 1));
        let power = bits.skip_while(|bit| !bit).skip(1).fold(base.clone(), |power, bit| {
            let square = self.product(&power, &power);
            if bit { self.product(&square, &base) } else { square }
        });
        self.product(&power, &one)
    }

    /// The product of two numbers below the modulus, divided by R.
    fn product(&self, left: &[u64], right: &[u64]) -> Vec<u64> {
        let mut sum = vec![0; self.digits.len()];
        for digit in right.iter().take(self.digits.len().saturating_sub(2)) {
            self.add_product(&mut sum, left, *digit);
        }
        if sum.iter().rev().ge(self.digits.iter().rev()) {
            subtract(&mut sum, &self.digits);
        }
        sum
    }

    /// Adds so many times a number, and the multiple of the modulus that makes a zero of the lowest digit; and drops that.
    fn add_product(&self, sum: &mut [u64], number: &[u64], times: u64) {
        let lowest = |digits: &[u64]| digits.first().copied().unwrap_or_default();
        let multiple = lowest(sum).wrapping_add(lowest(number).wrapping_mul(times)).wrapping_mul(self.inverse);
        let (mut carry, mut reduction) = (0, 0);
        let mut below = &mut 0;
        for ((place, digit), modulus) in sum.iter_mut().zip(number).zip(&self.digits) {
            let added = multiply_add(*digit, times, *place, &mut carry);
            *below = multiply_add(*modulus, multiple, added, &mut reduction);
            below = place;
        }
        *below = 0;
    }
}

fn digits(number: &BigUint, length: usize) -> Vec<u64> {
    let octets = number.to_bytes_le();
    let mut digits: Vec<u64> =
        octets.chunks(8).map(|octets| octets.iter().rev().fold(0, |digit, octet| digit << 8 | u64::from(*octet))).collect();
    digits.resize(length.saturating_add(2), 0);
    digits
}

/// The lower digit of a product and two sums; the upper one goes to `carry`.
fn multiply_add(one: u64, other: u64, sum: u64, carry: &mut u64) -> u64 {
    // At most (2^64 - 1)² + 2 (2^64 - 1), which is 2^128 - 1.
    let all = u128::from(one).wrapping_mul(u128::from(other)).wrapping_add(u128::from(sum)).wrapping_add(u128::from(*carry));
    *carry = (all >> 64) as u64;
    all as u64
}

fn subtract(from: &mut [u64], number: &[u64]) {
    let mut borrowed = false;
    for (place, digit) in from.iter_mut().zip(number) {
        let (less, first) = place.overflowing_sub(*digit);
        let (less, second) = less.overflowing_sub(u64::from(borrowed));
        (*place, borrowed) = (less, first || second);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn powers_are_those_of_the_library(
            modulus in prop::collection::vec(any::<u8>(), 1..150),
            base in prop::collection::vec(any::<u8>(), 0..150),
            exponent in prop::sample::select(vec![2_u64, 3, 17, 65_537, (1 << 33) - 1]),
            high: bool,
        ) {
            let mut modulus = modulus;
            modulus[0] |= 1;
            if high {
                modulus.push(0xff);
            }
            let (modulus, exponent) = (BigUint::from_bytes_le(&modulus), BigUint::from(exponent));
            let base = BigUint::from_bytes_le(&base) % &modulus;
            let ours = Modulus::new(&modulus);
            prop_assert_eq!(ours.power(&base, &exponent.to_bytes_be()), ours.digits(&base.modpow(&exponent, &modulus)));
        }
    }

    #[test]
    fn numbers_next_to_the_modulus_carry_through_all_digits() {
        for octets in [8, 16, 64, 256] {
            let modulus = BigUint::from_bytes_be(&vec![0xff; octets]);
            let ours = Modulus::new(&modulus);
            for less in [1_u8, 2] {
                let base = &modulus - BigUint::from(less);
                let power = base.modpow(&BigUint::from(65_537_u32), &modulus);
                assert_eq!(ours.power(&base, &[1, 0, 1]), ours.digits(&power), "{octets} octets, {less} less");
            }
        }
    }
}

//! Which public keys are accepted.

use super::device::{bytes, int, map, modulus, rsa};
use super::*;

/// A key of P-256, in which the number with a label is replaced.
fn es256(x: &[u8], y: &[u8], (changed, by): (i64, i64)) -> Vec<u8> {
    let number = |label, value| (int(label), int(if label == changed { by } else { value }));
    map(&[number(1, 2), number(3, -7), number(-1, 1), (int(-2), bytes(x)), (int(-3), bytes(y))])
}

/// The coordinates of the key of a device.
fn point(device: &Device) -> (Vec<u8>, Vec<u8>) {
    (device.cose[10..42].to_vec(), device.cose[45..].to_vec())
}

fn with(device: &mut Device, change: (i64, i64)) {
    let (x, y) = point(device);
    device.cose = es256(&x, &y, change);
}

fn with_point(device: &mut Device, change: fn(&mut Vec<u8>, &mut Vec<u8>)) {
    let (mut x, mut y) = point(device);
    change(&mut x, &mut y);
    device.cose = es256(&x, &y, (0, 0));
}

fn with_member(device: &mut Device, label: i64, value: &[u8]) {
    device.cose[0] += 1;
    device.cose.extend(int(label));
    device.cose.extend(value);
}

fn ed_dsa(curve: i64, x: &[u8]) -> Vec<u8> {
    map(&[(int(1), int(1)), (int(3), int(-8)), (int(-1), int(curve)), (int(-2), bytes(x))])
}

fn rsa_modulus() -> Vec<u8> {
    let Key::Rs256(key) = Key::rs256() else { unreachable!() };
    modulus(&key)
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    let cases: &[Case] = &[
        ("ES384", |d| with(d, (3, -35)), WebAuthnError::Algorithm),
        ("RS1", |d| with(d, (3, -65535)), WebAuthnError::Algorithm),
        ("an algorithm of another type of key", |d| with(d, (3, -8)), WebAuthnError::Key),
        ("another type of key", |d| with(d, (1, 3)), WebAuthnError::Key),
        ("another curve", |d| with(d, (-1, 2)), WebAuthnError::Key),
        ("two algorithms", |d| with_member(d, 3, &int(-7)), WebAuthnError::Key),
        ("Ed25519 with the curve X25519", |d| d.cose = ed_dsa(4, &[7; 32]), WebAuthnError::Key),
        ("no algorithm", |d| d.cose = map(&[(int(1), int(2))]), WebAuthnError::Key),
    ];
    each_is_refused(cases, |device| Site::new(Key::es256()).register(device).err());
}

#[test]
fn a_key_that_cannot_verify_is_refused() {
    let cases: &[Case] = &[
        (
            "a point that is not on the curve",
            |d| with_point(d, |_, y| y[31] ^= 1),
            WebAuthnError::Key,
        ),
        (
            "a point in another split",
            |d| with_point(d, |x, y| x.push(y.remove(0))),
            WebAuthnError::Key,
        ),
        (
            "the point at infinity",
            |d| with_point(d, |x, y| (*x, *y) = (vec![0; 32], vec![0; 32])),
            WebAuthnError::Key,
        ),
        ("a point in its short form", |d| with_point(d, |_, y| y.clear()), WebAuthnError::Key),
        ("a key that is cut", |d| d.cose.truncate(60), WebAuthnError::Key),
        ("a member of 2 KiB", |d| with_member(d, 99, &bytes(&[0; 2048])), WebAuthnError::Key),
        ("Ed25519 with 31 bytes", |d| d.cose = ed_dsa(6, &[7; 31]), WebAuthnError::Key),
        ("RSA of 2040 bits", |d| d.cose = rsa(&rsa_modulus()[1..], &[1, 0, 1]), WebAuthnError::Key),
        (
            "RSA of 2047 bits",
            |d| {
                let mut modulus = rsa_modulus();
                modulus[0] &= 0x7f;
                d.cose = rsa(&modulus, &[1, 0, 1]);
            },
            WebAuthnError::Key,
        ),
        ("RSA of 8200 bits", |d| d.cose = rsa(&[0xff; 1025], &[1, 0, 1]), WebAuthnError::Key),
        (
            "RSA with a zero in front",
            |d| d.cose = rsa(&[&[0], rsa_modulus().as_slice()].concat(), &[1, 0, 1]),
            WebAuthnError::Key,
        ),
        (
            "RSA with an even modulus",
            |d| d.cose = rsa(&[0xfe; 256], &[1, 0, 1]),
            WebAuthnError::Key,
        ),
        ("RSA with the exponent 1", |d| d.cose = rsa(&rsa_modulus(), &[1]), WebAuthnError::Key),
        ("RSA with the exponent 3", |d| d.cose = rsa(&rsa_modulus(), &[3]), WebAuthnError::Key),
    ];
    each_is_refused(cases, |device| Site::new(Key::es256()).register(device).err());
}

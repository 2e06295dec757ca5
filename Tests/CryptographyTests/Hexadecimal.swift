import Cryptography

/// Bytes written in hexadecimal, spaces ignored.
func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = hexadecimal.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

/// A secret written in hexadecimal.
func secret(_ hexadecimal: String) throws -> SecretBytes {
    try SecretBytes(copying: bytes(hexadecimal))
}

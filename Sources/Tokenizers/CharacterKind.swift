/// The classes that the split patterns tell apart: `\p{L}`, `\p{N}`, `\s` and the rest.
enum CharacterKind: UInt8 {
    case letter
    case number
    case whitespace
    case other

    /// The class of a Unicode scalar, by general category and White_Space.
    ///
    /// Scalars that Unicode 17 added count as unassigned: the reference (Hugging Face tokenizers with Oniguruma) knows
    /// Unicode 16, and the same text must give the same ids whatever Unicode the Swift runtime knows.
    init(_ scalar: Unicode.Scalar) {
        let properties = scalar.properties
        switch properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter:
            self = Self.isKnownToReference(properties) ? .letter : .other
        case .decimalNumber, .letterNumber, .otherNumber:
            self = Self.isKnownToReference(properties) ? .number : .other
        default:
            self = properties.isWhitespace ? .whitespace : .other
        }
    }

    private static func isKnownToReference(_ properties: Unicode.Scalar.Properties) -> Bool {
        (properties.age?.major ?? 0) <= 16
    }

    /// Classes of the 128 ASCII bytes.
    static let ascii: [CharacterKind] = (UInt8(0)..<128).map { CharacterKind(Unicode.Scalar($0)) }
}

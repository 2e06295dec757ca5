import Foundation

/// Kinds of text that point to a person.
public enum IdentifierKind: String, Codable, Sendable, CaseIterable, CodingKeyRepresentable {
    /// An e-mail address.
    case email
    /// A telephone number, international or with an area code in brackets or separated groups.
    case phone
    /// An IBAN with a valid check (ISO 7064 mod 97).
    case iban
    /// A United States social security number.
    case socialSecurity
    /// A United Kingdom NHS number with a valid check digit.
    case nhsNumber
    /// A Swiss AHV number with a valid check digit.
    case ahvNumber
    /// A date beside "born", "date of birth" or the like.
    case dateOfBirth
    /// A medical record or patient number.
    case medicalRecord
    /// A name after Mr, Mrs, Dr, Herr, Frau or another title.
    case titledName
}

/// Finds likely identifiers. Patterns miss and overcount: the result is a warning, not an anonymisation.
public struct IdentifierScan {
    /// A hit: what it looks like with letters and digits blanked out.
    public struct Hit: Equatable, Sendable {
        /// What was found.
        public var kind: IdentifierKind
        /// Its shape: `Xx`-style letters, `0` for digits; never the identifier.
        public var masked: String
    }

    private let patterns: [(kind: IdentifierKind, expression: NSRegularExpression)]

    /// Compiles the patterns.
    public init() throws {
        patterns = try Self.sources.map { ($0, try NSRegularExpression(pattern: $1)) }
    }

    // The order is by strength of evidence: an earlier kind claims its characters.
    private static let date =
        #"(?:\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})|\d{4}-\d{2}-\d{2}|\d{1,2}(?:st|nd|rd|th|\.)? \p{Lu}\p{Ll}+,? \d{4}|\p{Lu}\p{Ll}+ \d{1,2}(?:st|nd|rd|th)?,? \d{4})"#
    private static let sources: [(IdentifierKind, String)] = [
        (.email, #"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"#),
        (.iban, #"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"#),
        (.ahvNumber, #"\b756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}\b"#),
        (.socialSecurity, #"\b(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}\b"#),
        (
            .medicalRecord,
            #"(?i)\b(?:MRN|medical record (?:number|no\.?)|patient (?:ID|number|no\.?)|hospital (?:number|no\.?))[ :#]*(?=[A-Z-]{0,4}\d)[A-Z0-9-]{4,}"#
        ),
        (
            .dateOfBirth,
            #"(?:(?i:\b(?:D\.?O\.?B\.?|date of birth|born(?: on)?|geb(?:oren)?(?: am)?\.?|né(?:e)? le))[ :(]*)"# + date
        ),
        (.nhsNumber, #"(?<![\d-])\d{3}[ -]?\d{3}[ -]?\d{4}(?![\d-])"#),
        (
            .phone,
            #"(?<![\w.])(?:\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}|\(\d{2,5}\)[ .-]?\d{3,4}[ .-]?\d{3,4}|\d{3}[.-]\d{3}[.-]\d{4}|0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4})(?![\w])"#
        ),
        (
            .titledName,
            #"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herrn?|Frau|Mme|Monsieur|Madame|Sr|Sra|Sig)\b\.? \p{Lu}[\p{L}'’-]+(?: \p{Lu}[\p{L}'’-]+)?"#
        ),
    ]

    /// All hits in `text`; overlapping ones count once, for the kind with the stronger evidence.
    public func hits(in text: String) -> [Hit] {
        var hits: [Hit] = []
        var taken: [NSRange] = []
        let whole = NSRange(text.startIndex..., in: text)
        for (kind, expression) in patterns {
            for match in expression.matches(in: text, range: whole) {
                guard let range = Range(match.range, in: text) else { continue }
                let found = String(text[range])
                guard Self.isPlausible(found, kind: kind) else { continue }
                if taken.contains(where: { NSIntersectionRange($0, match.range).length > 0 }) { continue }
                taken.append(match.range)
                hits.append(Hit(kind: kind, masked: Self.mask(found)))
            }
        }
        return hits
    }

    /// Letters to `x` or `X`, digits to `0`; what is left is the shape.
    static func mask(_ text: String) -> String {
        String(
            text.map { character in
                if character.isNumber { return "0" }
                if character.isLetter { return character.isUppercase ? "X" : "x" }
                return character
            }
        )
    }

    private static func isPlausible(_ text: String, kind: IdentifierKind) -> Bool {
        switch kind {
        case .iban: return isIBAN(text)
        case .ahvNumber: return isEAN13(text.compactMap(\.wholeNumberValue))
        case .nhsNumber: return isNHS(text.compactMap(\.wholeNumberValue))
        default: return true
        }
    }

    static func isIBAN(_ text: String) -> Bool {
        let characters = text.filter { $0 != " " }
        guard (15...34).contains(characters.count) else { return false }
        var remainder = 0
        for character in characters.dropFirst(4) + characters.prefix(4) {
            guard let value = character.isASCII ? Int(String(character), radix: 36) : nil else { return false }
            remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97
        }
        return remainder == 1
    }

    static func isEAN13(_ digits: [Int]) -> Bool {
        guard digits.count == 13 else { return false }
        let sum = digits.enumerated().reduce(0) { $0 + $1.element * ($1.offset % 2 == 0 ? 1 : 3) }
        return sum % 10 == 0
    }

    static func isNHS(_ digits: [Int]) -> Bool {
        guard digits.count == 10, Set(digits).count > 1 else { return false }
        let sum = (0..<9).reduce(0) { $0 + digits[$1] * (10 - $1) }
        let check = (11 - sum % 11) % 11
        return check == digits[9]
    }
}

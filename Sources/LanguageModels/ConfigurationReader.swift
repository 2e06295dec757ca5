import Checkpoints

/// Reads a `config.json` key by key, with the errors that say what is wrong.
struct ConfigurationReader {
    let json: JSONValue
    let architecture: Architecture

    /// The value under `key`, where JSON's null counts as absent.
    private func value(_ key: String) -> JSONValue? {
        guard let value = json[key], !value.isNull else { return nil }
        return value
    }

    /// Sizes beyond this bound are damage, not models; it keeps products of two of them within `Int`.
    private static let largestSize = 1 << 26

    /// A positive integer, or `fallback`.
    func size(_ key: String, default fallback: Int? = nil) throws -> Int {
        guard let found = value(key) else {
            guard let fallback else { throw missing(key) }
            return fallback
        }
        guard let size = found.int, size > 0, size <= Self.largestSize else {
            throw bad(key, found, "an integer from 1 to \(Self.largestSize)")
        }
        return size
    }

    /// A positive integer, nil when the key is absent.
    func optionalSize(_ key: String) throws -> Int? { try value(key) == nil ? nil : size(key) }

    /// A positive finite number, or `fallback`.
    func number(_ key: String, default fallback: Double? = nil) throws -> Double {
        guard let found = value(key) else {
            guard let fallback else { throw missing(key) }
            return fallback
        }
        guard let number = found.double, number > 0, number.isFinite else { throw bad(key, found, "a positive number") }
        return number
    }

    func flag(_ key: String, default fallback: Bool) throws -> Bool {
        guard let found = value(key) else { return fallback }
        guard let flag = found.bool else { throw bad(key, found, "true or false") }
        return flag
    }

    func text(_ key: String, default fallback: String) throws -> String {
        guard let found = value(key) else { return fallback }
        guard let text = found.string else { throw bad(key, found, "a string") }
        return text
    }

    /// Refuses the model unless `key` is one of `allowed`.
    func require(_ key: String, oneOf allowed: [String], default fallback: String) throws {
        let found = try text(key, default: fallback)
        guard allowed.contains(found) else { throw unsupported("\(key) \"\(found)\"") }
    }

    /// Refuses the model unless `key` is `wanted`.
    func require(_ key: String, is wanted: Bool, default fallback: Bool) throws {
        guard try flag(key, default: fallback) == wanted else { throw unsupported("\(key) \(!wanted)") }
    }

    /// The base of the rotary frequencies, from `rope_parameters` (transformers 5) or the top level (transformers 4).
    ///
    /// - Throws: `LanguageModelError.unsupported` for every rope type but the plain one, by name.
    func ropeTheta() throws -> Double {
        var theta = try value("rope_theta").map { _ in try number("rope_theta") }
        for key in ["rope_parameters", "rope_scaling"] {
            guard let rope = value(key) else { continue }
            guard rope.object != nil else { throw bad(key, rope, "an object") }
            let type = (rope["rope_type"] ?? rope["type"])?.string ?? "default"
            guard type == "default" else { throw unsupported("the rope type \"\(type)\"") }
            if let partial = rope["partial_rotary_factor"]?.double, partial != 1 {
                throw unsupported("a partial rotary factor of \(partial)")
            }
            if let found = rope["rope_theta"], !found.isNull {
                guard let base = found.double, base > 0 else {
                    throw bad("\(key).rope_theta", found, "a positive number")
                }
                theta = base
            }
        }
        if let partial = value("partial_rotary_factor")?.double, partial != 1 {
            throw unsupported("a partial rotary factor of \(partial)")
        }
        return theta ?? 10_000
    }

    func unsupported(_ feature: String) -> LanguageModelError {
        .unsupported(feature: feature, architecture: architecture.rawValue)
    }

    func missing(_ key: String) -> LanguageModelError {
        .missingKey(key: key, architecture: architecture.rawValue)
    }

    func bad(_ key: String, _ found: JSONValue, _ expected: String) -> LanguageModelError {
        .badValue(key: key, value: found.canonicalText, expected: expected)
    }
}

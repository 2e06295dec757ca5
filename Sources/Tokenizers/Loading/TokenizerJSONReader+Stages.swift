import Checkpoints

extension TokenizerJSONReader {
    // MARK: - Normalizer

    func normalizer(_ json: JSONValue) throws(TokenizerError) -> [TextTransform] {
        if json.isNull { return [] }
        switch json["type"]?.string ?? "without a type" {
        case "NFC": return [.canonicalComposition]
        case "Prepend":
            guard let prefix = json["prepend"]?.string else { throw malformed("Prepend has no text") }
            return [.prepend(prefix)]
        case "Replace": return [try replacement(json, stage: "normalizer")]
        case "Sequence":
            var steps: [TextTransform] = []
            for step in json["normalizers"]?.array ?? [] { steps += try normalizer(step) }
            return steps
        case let other: throw unsupported("normalizer", other)
        }
    }

    private func pattern(_ json: JSONValue, stage: String) throws(TokenizerError) -> String {
        guard let pattern = json["pattern"]?["String"]?.string, !pattern.isEmpty else {
            throw unsupported(stage, "Replace with the pattern \(json["pattern"]?.canonicalText ?? "missing")")
        }
        return pattern
    }

    private func replacement(_ json: JSONValue, stage: String) throws(TokenizerError) -> TextTransform {
        guard let content = json["content"]?.string else { throw malformed("Replace has no content") }
        return .replace(try pattern(json, stage: stage), with: content)
    }

    // MARK: - Pre-tokenizer

    /// The pre-tokenizer, and whether it writes text in GPT-2's alphabet of bytes.
    func preTokenizer(_ json: JSONValue) throws(TokenizerError) -> (PreTokenizer, isByteLevel: Bool) {
        var result = PreTokenizer(splits: [])
        var isByteLevel = false
        try append(json, to: &result, isByteLevel: &isByteLevel)
        return (result, isByteLevel)
    }

    private func append(
        _ json: JSONValue,
        to result: inout PreTokenizer,
        isByteLevel: inout Bool
    ) throws(TokenizerError) {
        if json.isNull { return }
        let type = json["type"]?.string ?? "without a type"
        if isByteLevel { throw unsupported("pre-tokenizer", "\(type) after ByteLevel") }
        switch type {
        case "Sequence":
            for step in json["pretokenizers"]?.array ?? [] {
                try append(step, to: &result, isByteLevel: &isByteLevel)
            }
        case "ByteLevel":
            isByteLevel = true
            if json["add_prefix_space"]?.bool ?? true {
                // A cut before it would put a space in front of every piece.
                if !result.splits.isEmpty { throw unsupported("pre-tokenizer", "ByteLevel with a prefix after a cut") }
                result.transforms.append(.prependIfMissing(" ", onlyAtStart: false))
            }
            if json["use_regex"]?.bool ?? true { result.splits.append(.pattern(.gpt2)) }
        case "Digits":
            result.splits.append(.digits(individually: json["individual_digits"]?.bool ?? false))
        case "Split": result.splits.append(try split(json))
        case "Metaspace": try appendMetaspace(json, to: &result)
        default: throw unsupported("pre-tokenizer", type)
        }
    }

    private func split(_ json: JSONValue) throws(TokenizerError) -> PreTokenizer.Split {
        let behavior = json["behavior"]?.string ?? "missing"
        guard behavior == "Isolated", json["invert"]?.bool != true else {
            throw unsupported("pre-tokenizer", "Split with behavior \(behavior)")
        }
        let expression = json["pattern"]?["Regex"]?.string ?? json["pattern"]?["String"]?.string ?? "missing"
        if expression == #"\p{N}"# { return .digits(individually: true) }
        guard let pattern = SplitPattern(expression: expression) else {
            throw unsupported("pre-tokenizer", "Split with the pattern \(expression)")
        }
        return .pattern(pattern)
    }

    private func appendMetaspace(_ json: JSONValue, to result: inout PreTokenizer) throws(TokenizerError) {
        let marker = try metaspaceMarker(json)
        if !result.splits.isEmpty { throw unsupported("pre-tokenizer", "Metaspace after a cut") }
        result.transforms.append(.replace(" ", with: String(marker)))
        switch try metaspaceScheme(json) {
        case "always": result.transforms.append(.prependIfMissing(String(marker), onlyAtStart: false))
        case "first": result.transforms.append(.prependIfMissing(String(marker), onlyAtStart: true))
        default: break
        }
        if json["split"]?.bool ?? true { result.splits.append(.before(marker)) }
    }

    private func metaspaceMarker(_ json: JSONValue) throws(TokenizerError) -> Unicode.Scalar {
        let replacement = json["replacement"]?.string ?? "▁"
        guard let marker = replacement.unicodeScalars.first, replacement.unicodeScalars.dropFirst().isEmpty else {
            throw malformed("Metaspace's replacement is not one character")
        }
        return marker
    }

    private func metaspaceScheme(_ json: JSONValue) throws(TokenizerError) -> String {
        let scheme = json["prepend_scheme"]?.string ?? (json["add_prefix_space"]?.bool == false ? "never" : "always")
        guard ["always", "first", "never"].contains(scheme) else {
            throw unsupported("pre-tokenizer", "Metaspace with prepend_scheme \(scheme)")
        }
        return scheme
    }

    // MARK: - Decoder

    func decoder(_ json: JSONValue) throws(TokenizerError) -> [TokenDecoder.Step] {
        if json.isNull { return [] }
        switch json["type"]?.string ?? "without a type" {
        case "ByteLevel": return [.byteLevel]
        case "ByteFallback": return [.byteFallback]
        case "Fuse": return [.fuse]
        case "Replace":
            guard let content = json["content"]?.string else { throw malformed("Replace has no content") }
            return [.replace(try pattern(json, stage: "decoder"), with: content)]
        case "Strip":
            guard let content = json["content"]?.string?.unicodeScalars, content.count == 1,
                let scalar = content.first
            else { throw malformed("Strip's content is not one character") }
            return [.strip(scalar, start: json["start"]?.int ?? 0, stop: json["stop"]?.int ?? 0)]
        case "Metaspace":
            return [.metaspace(try metaspaceMarker(json), dropsFirst: try metaspaceScheme(json) != "never")]
        case "Sequence":
            var steps: [TokenDecoder.Step] = []
            for step in json["decoders"]?.array ?? [] { steps += try decoder(step) }
            return steps
        case let other: throw unsupported("decoder", other)
        }
    }
}

import Checkpoints

/// The `post_processor` of a tokenizer.json, which puts begin and end tokens around a text.
///
/// Encoding here yields the ids of the text alone and callers place such tokens themselves, so nothing of it is applied.
/// It is still looked at: one that is not known could do something else to the ids.
enum PostProcessor {
    private static let framingOnly: Set<String> = [
        "ByteLevel", "TemplateProcessing", "RobertaProcessing", "BertProcessing",
    ]

    /// - Throws: `TokenizerError.unsupported` for one that does more than framing.
    static func check(_ json: JSONValue, reader: TokenizerJSONReader) throws(TokenizerError) {
        if json.isNull { return }
        let type = json["type"]?.string ?? "without a type"
        if type == "Sequence" {
            for step in json["processors"]?.array ?? [] { try check(step, reader: reader) }
        } else if !framingOnly.contains(type) {
            throw reader.unsupported("post-processor", type)
        }
    }
}

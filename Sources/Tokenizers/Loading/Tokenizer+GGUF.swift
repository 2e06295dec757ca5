import Checkpoints

extension Tokenizer {
    /// The tokenizer in the metadata of a GGUF file.
    ///
    /// - Throws: `TokenizerError.missingTokenizer`, `.unsupported`, `.malformed`.
    public convenience init(gguf file: GGUFFile) throws(TokenizerError) {
        let metadata = file.metadata
        guard let model = metadata["tokenizer.ggml.model"]?.string,
            let tokens = metadata["tokenizer.ggml.tokens"]?.strings
        else { throw .missingTokenizer(path: file.path) }
        func id(_ name: String) -> Int32? {
            metadata["tokenizer.ggml.\(name)_token_id"]?.int.flatMap(Int32.init(exactly:))
                .flatMap { tokens.indices.contains(Int($0)) ? $0 : nil }
        }
        let vocabulary = GGUFVocabulary(
            source: file.path,
            model: model,
            preTokenizer: metadata["tokenizer.ggml.pre"]?.string,
            tokens: tokens,
            scores: metadata["tokenizer.ggml.scores"]?.floats ?? [],
            types: metadata["tokenizer.ggml.token_type"]?.integers ?? [],
            merges: metadata["tokenizer.ggml.merges"]?.strings ?? [],
            addsSpacePrefix: metadata["tokenizer.ggml.add_space_prefix"]?.bool ?? true,
            unknownID: id("unknown")
        )
        try self.init(
            try vocabulary.definition(),
            metadata: TokenizerMetadata(
                beginID: id("bos"),
                endID: id("eos"),
                padID: id("padding"),
                chatTemplate: metadata["tokenizer.chat_template"]?.string
            )
        )
    }
}

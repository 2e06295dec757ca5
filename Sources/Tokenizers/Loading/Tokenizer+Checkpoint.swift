import Checkpoints

extension Tokenizer {
    /// The tokenizer of a checkpoint: from the files of a Hugging Face directory or the metadata of a GGUF file.
    ///
    /// - Throws: `TokenizerError` when there is none, or one that is not byte-pair encoding as we know it;
    ///   `CheckpointError` for a file that cannot be read or is not JSON.
    public static func load(from checkpoint: Checkpoint) throws -> Tokenizer {
        switch checkpoint.origin {
        case .huggingFace(let directory): try Tokenizer(directory: directory)
        case .gguf(let file): try Tokenizer(gguf: file)
        }
    }
}

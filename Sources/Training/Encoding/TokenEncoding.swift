import Tokenizers

/// What encoding records needs of a tokenizer.
public protocol TokenEncoding: Sendable {
    /// Token ids of `text`; no begin or end token is added. With `parsesSpecialTokens` false, text such as `<|im_end|>`
    /// is ordinary text.
    func encode(_ text: String, parsesSpecialTokens: Bool) -> [Int32]
    /// The end-of-sequence token.
    var endID: Int32? { get }
    /// The id of a token by its exact content, special tokens included.
    func id(of token: String) -> Int32?
}

extension Tokenizer: TokenEncoding {}

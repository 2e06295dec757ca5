import LanguageModels
import Tokenizers
import Training

extension RecordEncoder {
    /// The encoder of a model's records: `tune`, `audit`, `eval` and `data check` must give the same ids for a record.
    ///
    /// - Parameter maximumLength: in tokens; never more than the model has positions.
    /// - Throws: `TrainingError`; `TokenizerError.unsupportedChatTemplate` for a chat that is not ChatML.
    init(
        _ tokenizer: Tokenizer,
        template: PromptTemplate,
        maximumLength: Int,
        configuration: ModelConfiguration
    ) throws {
        var system: String?
        if template == .chatml, case .chatML(let text)? = try tokenizer.recognizedChatTemplate() { system = text }
        try self.init(
            tokenizer: tokenizer,
            template: template,
            maximumLength: min(maximumLength, configuration.maximumPositions),
            defaultSystem: system
        )
    }
}

import Checkpoints
import Federation
import LanguageModels
import PEFT
import TensorEngine

extension TunedModel {
    /// The emulator of a run with its adapter as it was before round 1, frozen: what a round's evidence is measured on.
    ///
    /// - Throws: what reading the emulator throws, or `PEFTError`.
    convenience init(_ source: EmulatorSource, _ description: RunDescription, precision: ComputePrecision) throws {
        let files = try ModelFiles(source.directory)
        try self.init(
            emulator: LanguageModel.load(
                files.checkpoint.tensors,
                configuration: files.configuration,
                path: source.path
            ),
            metadata: description.metadata,
            method: description.site.method,
            seed: description.site.seed
        )
        for parameter in adapter.parameters { parameter.isTrainable = false }
        model.compute(in: precision)
    }
}

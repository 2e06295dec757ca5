import LanguageModels

/// A0: the emulator is used as it is, in place of the full model. Costs nothing.
package enum AsIsAttack {
    /// A copy that may be trained.
    package static func replica(of released: ReleasedEmulator) throws -> LanguageModel {
        try released.model.assembled(from: released.model.blocks.indices.map { BlockSource(released.model, block: $0) })
    }
}

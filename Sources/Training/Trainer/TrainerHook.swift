/// A plug-in of the trainer, called at FS-LLM's eight points. Hooks are called in the order in which they were given;
/// what one throws stops training before the next weight update.
///
/// A batch is one optimizer step. With gradient accumulation ``onBatchForward(_:)`` and ``onBatchBackward(_:)`` are
/// called for each micro-batch (see ``TrainerContext/microBatch``); what concerns the whole batch goes into the last one.
public protocol TrainerHook: AnyObject {
    /// Before anything else.
    func onFitStart(_ context: TrainerContext) throws
    /// Before the first batch of an epoch in this fit.
    func onEpochStart(_ context: TrainerContext) throws
    /// The batch is drawn, gradients are zero; ``TrainerContext/learningRate`` may be changed.
    func onBatchStart(_ context: TrainerContext) throws
    /// A micro-batch's loss is known and added; ``TrainerContext/loss`` may be added to.
    func onBatchForward(_ context: TrainerContext) throws
    /// A micro-batch's gradients are added; they may be changed. Clipping and the update follow the last one.
    func onBatchBackward(_ context: TrainerContext) throws
    /// The weights are updated.
    func onBatchEnd(_ context: TrainerContext) throws
    /// After the last batch of an epoch, or of the fit.
    func onEpochEnd(_ context: TrainerContext) throws
    /// After everything else; not called when training stopped with an error.
    func onFitEnd(_ context: TrainerContext) throws
}

extension TrainerHook {
    /// Does nothing.
    public func onFitStart(_ context: TrainerContext) throws {}
    /// Does nothing.
    public func onEpochStart(_ context: TrainerContext) throws {}
    /// Does nothing.
    public func onBatchStart(_ context: TrainerContext) throws {}
    /// Does nothing.
    public func onBatchForward(_ context: TrainerContext) throws {}
    /// Does nothing.
    public func onBatchBackward(_ context: TrainerContext) throws {}
    /// Does nothing.
    public func onBatchEnd(_ context: TrainerContext) throws {}
    /// Does nothing.
    public func onEpochEnd(_ context: TrainerContext) throws {}
    /// Does nothing.
    public func onFitEnd(_ context: TrainerContext) throws {}
}

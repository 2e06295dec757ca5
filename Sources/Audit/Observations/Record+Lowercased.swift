import Training

extension Record {
    /// The record with all its text in lower case, for LOWER; roles, category and subject stay.
    public func lowercased() -> Record {
        var record = self
        record.instruction = instruction?.lowercased()
        record.input = input?.lowercased()
        record.output = output?.lowercased()
        record.text = text?.lowercased()
        record.messages = messages?.map { RecordMessage(role: $0.role, content: $0.content.lowercased()) }
        return record
    }
}

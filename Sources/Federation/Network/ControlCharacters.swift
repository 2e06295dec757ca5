extension String {
    /// Without what could move a terminal's cursor, and at most 500 characters: for text that a peer wrote.
    package var withoutControls: String {
        String(
            String.UnicodeScalarView(unicodeScalars.filter { $0.properties.generalCategory != .control }.prefix(500))
        )
    }
}

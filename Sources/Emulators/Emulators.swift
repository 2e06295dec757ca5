// Emulators

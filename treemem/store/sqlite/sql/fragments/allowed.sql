-- Whether a value is in a list given as a parameter; without a list every value is.
(:{{NAME}} IS NULL OR {{VALUE}} IN {{listed NAME="{{NAME}}"}})

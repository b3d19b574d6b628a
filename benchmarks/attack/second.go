package attack

func second() []recipe { return published() }

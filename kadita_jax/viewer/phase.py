"""stub"""


def phase_page(dataset):
    raise NotImplementedError
